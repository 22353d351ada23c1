import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import type { LargeContent } from './large-content.js';

/** Serves one file with `Range` and `ETag`, and cuts every connection after so many bytes. */
export interface CuttingServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: number;
  /** Bytes of bodies that were given to the network, received or not. */
  readonly served: number;
  /** Resolves when so many bytes were served in all. */
  reached(bytes: number): Promise<void>;
}

const PIECE = 256 * 1024;

export async function serveCutting(
  content: LargeContent,
  cutEvery: number,
): Promise<CuttingServer> {
  let requests = 0;
  let served = 0;
  const waiting: { readonly bytes: number; readonly resolve: () => void }[] = [];
  const count = (bytes: number): void => {
    served += bytes;
    for (const { bytes: mark, resolve } of waiting) if (served >= mark) resolve();
  };
  const send = async (response: ServerResponse, start: number): Promise<void> => {
    const closed = new AbortController();
    response.once('close', () => {
      closed.abort();
    });
    const { signal } = closed;
    const end = Math.min(content.size, start + cutEvery);
    for (let at = start; at < end; at += PIECE) {
      const piece = content.slice(at, Math.min(PIECE, end - at));
      count(piece.length);
      if (!response.write(piece)) await once(response, 'drain', { signal });
    }
    if (end === content.size) response.end();
    // What was written is still sent; then the line is gone, with the promised bytes missing.
    else response.socket?.end();
  };
  const server = createServer((request, response) => {
    requests += 1;
    const { size } = content;
    const { range } = request.headers;
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    response.writeHead(range === undefined ? 200 : 206, {
      etag: '"the-only-version"',
      'content-length': size - start,
      ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${size - 1}/${size}` }),
    });
    send(response, start).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/disk.img`,
    get requests() {
      return requests;
    },
    get served() {
      return served;
    },
    reached: (bytes) =>
      served >= bytes
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push({ bytes, resolve })),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
