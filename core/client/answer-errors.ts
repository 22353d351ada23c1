import { formatDuration } from '../base/duration.js';
import { PermanentError, StowageError, systemCode, TransientError } from '../base/errors.js';
import { describeTarget, type Target } from './target.js';

/** Where the exchange was when it failed, after the connection was made. */
export type ExchangePhase = 'answer' | 'body';

/** Bytes of the headers of one answer; signed `Location`s and policies need a few KiB. */
export const MAX_HEADER_BYTES = 32 * 1024;

/**
 * What a failure on the way to a connection means for the caller. Errors thrown on purpose pass
 * unchanged, and so does what is not the network's.
 */
export function dialError(cause: unknown, target: Target): unknown {
  const code = systemCode(cause);
  if (cause instanceof StowageError || code === undefined) return cause;
  const source = describeTarget(target);
  if (CERTIFICATE.test(code)) {
    return new PermanentError({
      code: 'SOURCE_UNTRUSTED',
      message: `The certificate of ${source} cannot be trusted: ${code}`,
      hint: 'Use a host with a valid certificate; to trust a CA of your own, an operator names its file in the config: ca_file: /etc/ssl/our-ca.pem',
      cause,
    });
  }
  return unreachable(source, REASONS[code] ?? code, cause);
}

/** The connection was not made in time. */
export function noConnection(target: Target, timeoutMs: number): TransientError {
  return unreachable(describeTarget(target), `no connection within ${formatDuration(timeoutMs)}`);
}

/**
 * What a failure behind the connection means for the caller. Errors thrown on purpose pass unchanged,
 * and so do those of a request that could not be written.
 */
export function exchangeError(cause: unknown, target: Target, phase: ExchangePhase): Error {
  if (cause instanceof StowageError) return cause;
  const code = systemCode(cause) ?? 'no reason given';
  if (code.startsWith('ERR_') && cause instanceof Error) return cause;
  if (code === 'HPE_HEADER_OVERFLOW') return invalidAnswer(target, TOO_LONG, cause);
  if (code === 'HPE_CLOSED_CONNECTION') return invalidAnswer(target, TOO_MUCH, cause);
  const isMalformed = code.startsWith('HPE_');
  if (phase === 'answer' && isMalformed) {
    return invalidAnswer(target, NOT_HTTP, cause);
  }
  const why = isMalformed ? NOT_HTTP : (REASONS[code] ?? code);
  const source = describeTarget(target);
  return phase === 'body' ? broken(source, why, cause) : unreachable(source, why, cause);
}

/** The other side is silent. */
export function stalled(target: Target, idleTimeoutMs: number): TransientError {
  return new TransientError({
    code: 'SOURCE_STALLED',
    message: `${describeTarget(target)} has sent nothing for ${formatDuration(idleTimeoutMs)}`,
    hint: 'Try again later, or use a source that answers faster',
  });
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

const TOO_LONG = `its headers have more than ${MAX_HEADER_BYTES / 1024} KiB`;
const TOO_MUCH = 'it goes on behind the end that it has announced';
const NOT_HTTP = 'it is not HTTP/1.1';

/** OpenSSL's verification errors and Node's `ERR_TLS_CERT_ALTNAME_INVALID`. */
const CERTIFICATE = /CERT|LEAF_SIGNATURE/;

/** Plain words for the codes that people meet most. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed before the end',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to its network',
  EPIPE: 'the connection was closed',
  EPROTO: 'it does not speak TLS as it should',
  ETIMEDOUT: 'the connection timed out',
};

function unreachable(source: string, why: string, cause?: unknown): TransientError {
  return new TransientError({
    code: 'SOURCE_UNREACHABLE',
    message: `Cannot reach ${source}: ${why}`,
    hint: 'Check the host and the port, and that this server may connect to them; or try again later',
    cause,
  });
}

function broken(source: string, why: string, cause: unknown): TransientError {
  return new TransientError({
    code: 'SOURCE_BROKEN',
    message: `${source} broke off: ${why}`,
    hint: 'Try again',
    cause,
  });
}
