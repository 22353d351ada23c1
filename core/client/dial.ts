import type { LookupAddress } from 'node:dns';
import { connect as connectTcp, type Socket } from 'node:net';
import type { FetchProxy } from '../plugin/contract/services.js';
import { dialError, noConnection } from './answer-errors.js';
import { within } from './deadline.js';
import { openTunnel } from './proxy-tunnel.js';
import { pinnedLookup } from './resolve.js';
import type { Target } from './target.js';
import { startTls } from './trust.js';

export interface Dialling {
  readonly target: Target;
  /** The checked addresses of the target; nothing else is connected to. Empty where the proxy resolves the name. */
  readonly addresses: readonly LookupAddress[];
  readonly proxy?: FetchProxy;
  /** Certificates in PEM that are trusted beside the public ones. */
  readonly ca?: string;
  /** For all of it: TCP, the proxy and the TLS handshake. */
  readonly connectTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** Milliseconds that one of several addresses gets before the next is tried beside it (RFC 8305). */
const ATTEMPT_MS = 1000;

/**
 * Opens the connection for one exchange: to a checked address or through the proxy, with TLS where the
 * URL asks for it. Whoever gets it destroys it; when this rejects, nothing is left open.
 * @throws {TransientError} `SOURCE_UNREACHABLE` · `PROXY_UNREACHABLE`
 * @throws {PermanentError} `SOURCE_UNTRUSTED` · `PROXY_REFUSED`
 * @throws the signal's reason
 */
export async function dial(dialling: Dialling): Promise<Socket> {
  const { target, connectTimeoutMs, signal } = dialling;
  const opened: Socket[] = [];
  const late = (): Error => noConnection(target, connectTimeoutMs);
  try {
    return await within(open(dialling, opened), connectTimeoutMs, late, signal);
  } catch (error) {
    for (const socket of opened) socket.destroy();
    throw dialError(error, target);
  }
}

async function open(
  { target, addresses, proxy, ca, connectTimeoutMs }: Dialling,
  opened: Socket[],
): Promise<Socket> {
  const socket =
    proxy === undefined
      ? await connected(
          connectTcp({
            host: target.host,
            port: target.port,
            lookup: pinnedLookup(addresses),
            autoSelectFamily: true,
            autoSelectFamilyAttemptTimeout: attemptMs(connectTimeoutMs, addresses.length),
          }),
          'connect',
          opened,
        )
      : await openTunnel(target, addresses, proxy, (...args) => connected(...args, opened));
  if (target.url.protocol === 'http:') return socket;
  return connected(startTls(socket, target.host, ca), 'secureConnect', opened);
}

function connected<S extends Socket>(
  socket: S,
  event: 'connect' | 'secureConnect',
  opened: Socket[],
): Promise<S> {
  opened.push(socket);
  return new Promise((resolve, reject) => {
    // Stays on: a connection that breaks between two owners must not end the process.
    socket.on('error', reject);
    socket.once('close', () => {
      reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    });
    socket.once(event, () => {
      resolve(socket);
    });
  });
}

function attemptMs(connectTimeoutMs: number, addresses: number): number {
  // Node takes no less than 10.
  return Math.max(10, Math.min(ATTEMPT_MS, Math.floor(connectTimeoutMs / Math.max(1, addresses))));
}
