import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server of one image on loopback, whose manners a test may change at any time. */
export interface SourceServer extends AsyncDisposable {
  readonly url: string;
  readonly asked: { readonly range: string | undefined; readonly ifRange: unknown }[];
  handler: Handler;
  /** TCP connections that are open now. */
  readonly connections: () => Promise<number>;
}

export async function serveSource(handler: Handler): Promise<SourceServer> {
  const asked: SourceServer['asked'] = [];
  const server = createServer((request, response) => {
    asked.push({ range: request.headers.range, ifRange: request.headers['if-range'] });
    source.handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const source: SourceServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/disk?signature=secret`,
    asked,
    handler,
    connections: () =>
      new Promise((resolve) => {
        server.getConnections((_error, count) => {
          resolve(count);
        });
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return source;
}

/** As web servers serve files; `etag` may change between requests. */
export function files(content: Uint8Array, etag: () => string | undefined = () => '"a"'): Handler {
  return (request, response) => {
    const tag = etag();
    const { range, 'if-range': ifRange } = request.headers;
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? -1);
    const isMatch = ifRange === undefined || ifRange === tag;
    const common = tag === undefined ? {} : { etag: tag };
    if (start < 0 || !isMatch) {
      response.writeHead(200, { ...common, 'content-length': content.length }).end(content);
    } else if (start >= content.length) {
      response
        .writeHead(416, { 'content-range': `bytes */${content.length}` })
        .end('no such range');
    } else {
      const place = `bytes ${start}-${content.length - 1}/${content.length}`;
      response.writeHead(206, { ...common, 'content-range': place }).end(content.subarray(start));
    }
  };
}
