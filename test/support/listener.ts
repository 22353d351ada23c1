import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import {
  createServer as createSocketServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { TLS_CERTIFICATE } from './tls-certificate.js';

/** A listener that counts who comes. */
export interface Listener extends AsyncDisposable {
  readonly port: number;
  /** TCP connections that were accepted so far. */
  readonly connections: number;
  /** TCP connections that are open now. */
  readonly open: number;
  /** Resolves when no connection is open. */
  idle(): Promise<void>;
}

interface Where {
  /** @default every address of this machine */
  readonly host?: string;
  readonly port?: number;
}

/** HTTP on a free port. */
export function listenHttp(onRequest: RequestListener, where: Where = {}): Promise<Listener> {
  return listen(createServer(onRequest), where);
}

/** HTTPS with a certificate that nobody trusts by itself; `onName` is told the names that clients ask for. */
export function listenHttps(
  onName: (name: string) => void,
  onRequest: RequestListener = (_, response) => response.end(),
): Promise<Listener> {
  const server = createSecureServer(
    {
      ...TLS_CERTIFICATE,
      SNICallback: (name, answer) => {
        onName(name);
        answer(null);
      },
    },
    onRequest,
  );
  server.on('tlsClientError', () => undefined);
  return listen(server, { host: '127.0.0.1' });
}

/** Plain TCP: the test speaks for itself. */
export function listenTcp(onConnection: (socket: Socket) => void): Promise<Listener> {
  const server = createSocketServer((socket) => {
    socket.on('error', () => undefined);
    // Unread bytes would hide the end of the connection.
    socket.resume();
    onConnection(socket);
  });
  return listen(server, { host: '127.0.0.1' });
}

async function listen(server: Server, { host, port = 0 }: Where): Promise<Listener> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen({ port, ...(host === undefined ? {} : { host }) });
  await once(server, 'listening');
  return {
    // A TCP server has an address object, never a path.
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    async idle() {
      await Promise.all(
        [...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))),
      );
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
