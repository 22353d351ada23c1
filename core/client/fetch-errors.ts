import { StowageError, systemCode, TransientError } from '../base/errors.js';

const STALLED = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** What a failed request or a broken answer means. Names the origin only, never path or credentials. */
export function fetchError(error: unknown, url: URL): StowageError {
  if (error instanceof StowageError) return error;
  const code = systemCode(error);
  if (code !== undefined && STALLED.has(code)) {
    return new TransientError({
      code: 'SOURCE_STALLED',
      message: `The server at "${url.origin}" has stopped sending`,
      hint: 'Check the server and the network between, then try again',
      cause: error,
    });
  }
  return new TransientError({
    code: 'SOURCE_UNREACHABLE',
    message: `Cannot fetch from "${url.origin}": ${code ?? (error instanceof Error ? error.message : String(error))}`,
    hint: 'Check the host name, that the server runs, and the network between',
    cause: error,
  });
}
