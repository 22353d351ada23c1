import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { ClientRequest, Server } from 'node:http';
import { isIPv6 } from 'node:net';
import { ConflictError, InvalidInputError, TransientError, systemCode } from '../base/errors.js';
import { createApp } from './app.js';
import { expectContinue } from './expect.js';
import type { HttpParts } from './parts.js';
import { refuseRequest } from './refused-request.js';

/** Milliseconds for the headers of one request. */
const HEADERS_TIMEOUT_MS = 30_000;
/** Milliseconds that a connection waits for its next request. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** Milliseconds between looks for connections that have become idle while the server stops. */
const CLOSE_IDLE_MS = 100;

/** Milliseconds for the answer to the server's own first request. */
const ASK_TIMEOUT_MS = 10_000;

/** The HTTP server of the process. */
export interface HttpServer {
  /**
   * Accepts connections, and has answered one when it resolves.
   * @returns the URL under which this machine reaches the server
   * @throws {ConflictError} `PORT_TAKEN`; {InvalidInputError} `ADDRESS_INVALID`; {TransientError}
   * `SERVER_UNREACHABLE`
   */
  listen(): Promise<{ readonly url: string }>;
  /**
   * Accepts no more, ends streams of events, and lets requests end. Those that have not after
   * `deadlineMs` milliseconds are broken off. May be called again; resolves when all are gone.
   */
  close(deadlineMs: number): Promise<void>;
}

export function createHttpServer(parts: HttpParts): HttpServer {
  const stopping = new AbortController();
  const handle = createApp(parts, { stopping: stopping.signal }).callback();
  // An upload may take hours: its idle time is limited where it is read, and JSON bodies in all.
  const server = createServer(
    {
      requestTimeout: 0,
      headersTimeout: HEADERS_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    },
    (req, res) => void handle(req, res),
  );
  server.on('checkContinue', (req, res) => {
    expectContinue(req, res);
    void handle(req, res);
  });
  server.on('clientError', refuseRequest);
  let closed: Promise<void> | undefined;

  return {
    async listen() {
      const { host, port } = parts.config.server;
      server.listen(port, host);
      await once(server, 'listening').catch((cause: unknown) => {
        throw listenError(cause, host, port);
      });
      const url = urlOf(server, host);
      await ask(`${url}/healthcheck`);
      return { url };
    },

    close(deadlineMs) {
      closed ??= closeServer(server, stopping, deadlineMs);
      return closed;
    },
  };
}

/** Asks for a page. What is loaded and compiled with the first answer, no client has to wait for. */
function ask(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false, timeout: ASK_TIMEOUT_MS }, (answer) => {
      answer.resume().once('end', resolve);
    })
      .once('timeout', function (this: ClientRequest) {
        this.destroy(new Error('no answer in time'));
      })
      .once('error', (cause) => {
        reject(
          new TransientError({
            code: 'SERVER_UNREACHABLE',
            message: `The server cannot reach itself at ${url}`,
            hint: 'Choose an address of this machine in "server.host" that it may connect to',
            cause,
          }),
        );
      });
  });
}

async function closeServer(
  server: Server,
  stopping: AbortController,
  deadlineMs: number,
): Promise<void> {
  stopping.abort();
  if (!server.listening) return;
  const gone = once(server, 'close');
  server.close();
  const idle = setInterval(() => {
    server.closeIdleConnections();
  }, CLOSE_IDLE_MS);
  const deadline = setTimeout(() => {
    server.closeAllConnections();
  }, deadlineMs);
  await gone;
  clearInterval(idle);
  clearTimeout(deadline);
}

function urlOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${isIPv6(reachable) ? `[${reachable}]` : reachable}:${port}`;
}

function listenError(cause: unknown, host: string, port: number): unknown {
  const code = systemCode(cause);
  if (code === 'EADDRINUSE') {
    return new ConflictError({
      code: 'PORT_TAKEN',
      message: `Port ${port} of "${host}" is taken`,
      hint: 'Stop what listens there, or choose another "server.port"',
      cause,
    });
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EACCES') {
    return new InvalidInputError({
      code: 'ADDRESS_INVALID',
      message: `Cannot listen on "${host}", port ${port}`,
      hint: 'Choose an address of this machine in "server.host" and a port that you may use',
      cause,
    });
  }
  return cause;
}
