import type { LookupAddress } from 'node:dns';
import { request as httpRequest } from 'node:http';
import { connect as connectTcp, isIPv6, type Socket } from 'node:net';
import { PermanentError, systemCode, TransientError } from '../base/errors.js';
import type { FetchProxy } from '../plugin/contract/services.js';
import { MAX_HEADER_BYTES } from './answer-errors.js';
import { describeTarget, type Target } from './target.js';
import { startTls } from './trust.js';

/** Waits for a new connection to be usable. */
type Connect = (socket: Socket, event: 'connect' | 'secureConnect') => Promise<Socket>;

/** Addresses of one target that the proxy is asked for, one after the other. */
const MAX_ADDRESSES = 3;

/**
 * A connection to the target through the proxy, by `CONNECT` (RFC 9110, section 9.3.6). The proxy is told
 * a checked address and not the name, which it would resolve anew; only where the config says that the
 * proxy resolves is it told the name.
 */
export async function openTunnel(
  target: Target,
  addresses: readonly LookupAddress[],
  proxy: FetchProxy,
  connect: Connect,
): Promise<Socket> {
  const hosts = addresses.length === 0 ? [target.host] : addresses.map(({ address }) => address);
  let failure: unknown;
  for (const host of hosts.slice(0, MAX_ADDRESSES)) {
    const socket = await reach(proxy, connect);
    try {
      await ask(socket, authority(host, target.port), proxy, target);
      return socket;
    } catch (error) {
      socket.destroy();
      if (!(error instanceof TransientError)) throw error;
      failure = error;
    }
  }
  throw failure;
}

async function reach(proxy: FetchProxy, connect: Connect): Promise<Socket> {
  const url = new URL(proxy.url);
  const isSecure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port === '' ? (isSecure ? 443 : 80) : url.port);
  try {
    const socket = await connect(connectTcp({ host, port, autoSelectFamily: true }), 'connect');
    return isSecure ? await connect(startTls(socket, host, proxy.ca), 'secureConnect') : socket;
  } catch (error) {
    throw new TransientError({
      code: 'PROXY_UNREACHABLE',
      message: `Cannot reach the proxy "${url.origin}": ${systemCode(error) ?? 'no reason given'}`,
      hint: 'Ask the operator to check the proxy, and its URL in the config',
      cause: error,
    });
  }
}

function ask(socket: Socket, path: string, proxy: FetchProxy, target: Target): Promise<void> {
  return new Promise((resolve, reject) => {
    const authorization = proxy.authorization?.reveal();
    const request = httpRequest({
      createConnection: () => socket,
      method: 'CONNECT',
      path,
      setHost: false,
      headers: {
        host: path,
        ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }),
      },
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    request.on('connect', ({ statusCode = 0 }, _socket, head) => {
      if (statusCode < 200 || statusCode > 299) reject(refused(target, proxy, statusCode));
      // Whoever is behind the tunnel has to wait for a request.
      else if (head.length > 0) reject(refused(target, proxy, statusCode));
      else resolve();
    });
    request.on('error', (cause) => {
      reject(
        new TransientError({
          code: 'PROXY_UNREACHABLE',
          message: `The proxy "${proxyOrigin(proxy)}" broke off on the way to ${describeTarget(target)}: ${systemCode(cause) ?? 'no reason given'}`,
          hint: 'Ask the operator to check the proxy, and its URL in the config',
          cause,
        }),
      );
    });
    request.end();
  });
}

function refused(target: Target, proxy: FetchProxy, status: number): Error {
  const message = `The proxy "${proxyOrigin(proxy)}" has not opened a way to ${describeTarget(target)}: status ${status}`;
  if (status >= 500) {
    return new TransientError({
      code: 'SOURCE_UNREACHABLE',
      message,
      hint: 'Check the host and the port, and that the proxy may connect to them; or try again later',
    });
  }
  return new PermanentError({
    code: 'PROXY_REFUSED',
    message,
    hint:
      status === 407
        ? 'Ask the operator to check the user name and password of the proxy in the config'
        : 'Ask the operator whether the proxy lets CONNECT to this address and port pass',
  });
}

function proxyOrigin({ url }: FetchProxy): string {
  return new URL(url).origin;
}

function authority(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
