import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

export interface FileServer extends AsyncDisposable {
  readonly url: string;
  /** The `Range` headers that were asked for, in order; `undefined` for a whole file. */
  readonly ranges: (string | undefined)[];
}

/** Serves the files of a directory with `Range` and `ETag`, as web servers do. */
export async function serveFiles(directory: string): Promise<FileServer> {
  const ranges: (string | undefined)[] = [];
  const server = createServer((req, res) => {
    void (async () => {
      const file = path.join(directory, path.basename(req.url ?? '/'));
      const facts = await stat(file).catch(() => undefined);
      if (facts === undefined) {
        res.writeHead(404).end();
        return;
      }
      const { range } = req.headers;
      ranges.push(range);
      const etag = `"${facts.size}-${facts.mtimeMs}"`;
      const [, first = '0', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
      const start = Number(first);
      const end = last === '' ? facts.size - 1 : Math.min(Number(last), facts.size - 1);
      const common = { etag, 'accept-ranges': 'bytes', 'content-length': end + 1 - start };
      if (range === undefined) res.writeHead(200, common);
      else {
        const content = `bytes ${start}-${end}/${facts.size}`;
        res.writeHead(206, { ...common, 'content-range': content });
      }
      createReadStream(file, { start, end: Math.max(start, end) })
        .on('error', () => res.destroy())
        .pipe(res);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    ranges,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
