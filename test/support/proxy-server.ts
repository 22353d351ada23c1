import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';

/** An HTTP proxy that opens tunnels, all of them to loopback. */
export interface ProxyServer extends AsyncDisposable {
  readonly url: string;
  /** What was asked for, in order. */
  readonly asked: { readonly authority: string; readonly authorization: string | undefined }[];
}

interface ProxyOptions {
  /** Status instead of a tunnel. */
  readonly status?: (authority: string) => number | undefined;
}

export async function serveProxy({ status }: ProxyOptions = {}): Promise<ProxyServer> {
  const asked: ProxyServer['asked'] = [];
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on('connect', (request, client) => {
    const authority = request.url ?? '';
    asked.push({ authority, authorization: request.headers['proxy-authorization'] });
    client.on('error', () => undefined);
    const refusal = status?.(authority);
    if (refusal !== undefined) {
      client.end(`HTTP/1.1 ${refusal} No\r\n\r\n`);
      return;
    }
    const port = Number(/:(\d+)$/.exec(authority)?.[1]);
    const upstream = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on('error', () => undefined);
    // An end that nobody reads any more would not be noticed.
    upstream.on('close', () => client.resume().end());
    client.on('close', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
