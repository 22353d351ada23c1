import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A line to a server that breaks whenever it has carried so many bytes in one connection. */
export interface CuttingLine extends AsyncDisposable {
  readonly url: string;
  /** Bytes that clients have put into it in all. */
  readonly sent: number;
  readonly cuts: number;
}

/** @param cutAfter bytes of a client that a connection carries before it is cut, without a word */
export async function cuttingLine(target: string, cutAfter: () => number): Promise<CuttingLine> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  let sent = 0;
  let cuts = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    const ends = [client, upstream];
    const close = (): void => {
      for (const end of ends) {
        end.destroy();
        open.delete(end);
      }
    };
    let left = cutAfter();
    for (const end of ends) {
      open.add(end);
      end.on('error', close).on('close', close);
    }
    client.on('data', (chunk: Buffer) => {
      sent += chunk.length;
      left -= chunk.length;
      if (left < 0) {
        cuts += 1;
        // What was carried so far arrives; the rest is lost.
        upstream.end(chunk.subarray(0, chunk.length + left));
        client.destroy();
        return;
      }
      if (!upstream.write(chunk)) {
        client.pause();
        upstream.once('drain', () => client.resume());
      }
    });
    upstream.pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get sent() {
      return sent;
    },
    get cuts() {
      return cuts;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const end of open) end.destroy();
      await closed;
    },
  };
}
