import { errors } from 'undici';
import { formatDuration } from '../base/duration.js';
import { PermanentError, StowageError, systemCode, TransientError } from '../base/errors.js';
import { describeTarget, type Target } from './target.js';

/** Where the exchange was when it failed. */
export type ExchangePhase = 'connect' | 'answer' | 'body';

interface Failed {
  readonly target: Target;
  readonly phase: ExchangePhase;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** Bytes of the headers of one answer; signed `Location`s and policies need a few KiB. */
export const MAX_HEADER_BYTES = 32 * 1024;

/**
 * What a failure of the network or of the other side means for the caller. Errors thrown on purpose
 * pass unchanged.
 */
export function exchangeError(cause: unknown, failed: Failed): Error {
  if (cause instanceof StowageError) return cause;
  const code = systemCode(cause) ?? (isMalformed(cause) ? 'it is not HTTP/1.1' : 'no reason given');
  const { phase, idleTimeoutMs } = failed;
  const source = describeTarget(failed.target);
  if (code === 'UND_ERR_INVALID_ARG' && cause instanceof Error) return cause;
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return new TransientError({
      code: 'SOURCE_STALLED',
      message: `${source} has sent nothing for ${formatDuration(idleTimeoutMs)}`,
      hint: 'Try again later, or use a source that answers faster',
      cause,
    });
  }
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return invalidAnswer(failed.target, TOO_LONG, cause);
  if (phase === 'connect' && CERTIFICATE.test(code)) {
    return new PermanentError({
      code: 'SOURCE_UNTRUSTED',
      message: `The certificate of ${source} cannot be trusted: ${code}`,
      hint: 'Use a host with a valid certificate, or start the server with its CA in NODE_EXTRA_CA_CERTS',
      cause,
    });
  }
  if (phase === 'answer' && isMalformed(cause)) {
    return invalidAnswer(failed.target, 'it is not HTTP/1.1', cause);
  }
  return phase === 'body' ? broken(source, code, cause) : unreachable(source, code, cause, failed);
}

/** The other side answers with something that no reader of HTTP should take. */
export function invalidAnswer(target: Target, why: string, cause?: unknown): PermanentError {
  return new PermanentError({
    code: 'SOURCE_ANSWER_INVALID',
    message: `The answer of ${describeTarget(target)} cannot be read: ${why}`,
    hint: 'Check that the URL names a web server',
    cause,
  });
}

/** The parser's errors carry no code in undici 7.30. */
function isMalformed(cause: unknown): boolean {
  return (
    cause instanceof errors.HTTPParserError ||
    cause instanceof errors.ResponseContentLengthMismatchError
  );
}

const TOO_LONG = `its headers have more than ${MAX_HEADER_BYTES / 1024} KiB`;

/** OpenSSL's verification errors and Node's `ERR_TLS_CERT_ALTNAME_INVALID`. */
const CERTIFICATE = /CERT|LEAF_SIGNATURE/;

/** Plain words for the codes that people meet most. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to its network',
  EPIPE: 'the connection was closed',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_SOCKET: 'the connection was closed',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the connection was closed before the announced end',
};

function unreachable(source: string, code: string, cause: unknown, failed: Failed): TransientError {
  const why =
    code === 'UND_ERR_CONNECT_TIMEOUT'
      ? `no connection within ${formatDuration(failed.connectTimeoutMs)}`
      : (REASONS[code] ?? code);
  return new TransientError({
    code: 'SOURCE_UNREACHABLE',
    message: `Cannot reach ${source}: ${why}`,
    hint: 'Check the host and the port, and that this server may connect to them; or try again later',
    cause,
  });
}

function broken(source: string, code: string, cause: unknown): TransientError {
  return new TransientError({
    code: 'SOURCE_BROKEN',
    message: `${source} broke off: ${REASONS[code] ?? code}`,
    hint: 'Try again',
    cause,
  });
}
