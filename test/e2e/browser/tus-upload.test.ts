import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ApiClient } from '../../support/api-client.js';
import { cuttingLine } from '../../support/cutting-line.js';
import { digestOf, randomFile } from '../../support/images.js';
import { violations } from '../../support/invariants.js';
import { listenHttp } from '../../support/listener.js';
import { startServer } from '../../support/server.js';
import { tempDir } from '../../support/temp-dir.js';

const MIB = 2 ** 20;
const TUS = path.resolve(
  import.meta.dirname,
  '../../../node_modules/tus-js-client/dist/tus.min.js',
);

/** Takes a file as a page gets it from its user, sends it, and reports how that went. */
const PAGE = `<!doctype html>
<script src="tus.js"></script>
<script type="module">
  const report = (said) => fetch('report', { method: 'POST', body: said });
  try {
    const file = new File([await (await fetch('file')).blob()], 'disk.raw');
    const endpoint = decodeURIComponent(location.hash.slice(1));
    const upload = new tus.Upload(file, {
      endpoint,
      retryDelays: new Array(40).fill(0),
      onSuccess: () => report('sent'),
      onError: (error) => report(String(error)),
    });
    upload.start();
  } catch (error) {
    await report(String(error));
  }
</script>`;

/** A web page on loopback, as Horizon's would be; `reported` resolves with what it says at its end. */
async function servePage(file: string) {
  let report: (said: string) => void;
  const reported = new Promise<string>((resolve) => (report = resolve));
  const bodies: Readonly<Record<string, readonly [string, string | Buffer]>> = {
    '/': ['text/html', PAGE],
    '/tus.js': ['text/javascript', await readFile(TUS)],
    '/file': ['application/octet-stream', await readFile(file)],
  };
  const onRequest: RequestListener = (request, response) => {
    if (request.url === '/report') {
      request.setEncoding('utf8').on('data', (said: string) => {
        report(said);
      });
      response.end();
      return;
    }
    const [type, body] = bodies[request.url ?? ''] ?? ['text/plain', ''];
    response.writeHead(200, { 'content-type': type }).end(body);
  };
  const listener = await listenHttp(onRequest, { host: '127.0.0.1' });
  return {
    origin: `http://127.0.0.1:${listener.port}`,
    reported,
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}

/** Shows a page in Chromium until it is disposed of. */
function browse(url: string, profile: string): AsyncDisposable & { gone: Promise<string> } {
  const flags = ['--headless', '--disable-gpu', '--no-first-run', `--user-data-dir=${profile}`];
  // Its sandbox does not run as root, as the tests of CI do.
  const browser = spawn('chromium', [...flags, '--no-sandbox', url], { stdio: 'ignore' });
  const gone = once(browser, 'exit').then(([code]) => `the browser ended with ${String(code)}`);
  return {
    gone,
    async [Symbol.asyncDispose]() {
      browser.kill('SIGKILL');
      await gone;
    },
  };
}

it('a web page sends a file over a line that breaks, and does not begin again', async () => {
  await using dir = await tempDir();
  const size = 48 * MIB;
  const file = await randomFile(path.join(dir.path, 'disk'), size);
  await using page = await servePage(file);
  const config = path.join(dir.path, 'stowage.yaml');
  await writeFile(
    config,
    `server: { cors_origins: ['${page.origin}'] }
stores: [{ id: one, driver: filesystem, path: store/one }]
`,
  );
  const dataDir = path.join(dir.path, 'data');
  const server = await startServer({ dataDir, config });
  const api = new ApiClient(server.url);
  const { id } = await api.createImage();
  let connections = 0;
  await using line = await cuttingLine(server.url, () => {
    connections += 1;
    return connections * 3 * MIB;
  });

  const endpoint = `${line.url}/stowage/v1/images/${id}/uploads`;
  const url = `${page.origin}/#${encodeURIComponent(endpoint)}`;
  await using browser = browse(url, path.join(dir.path, 'profile'));
  expect(await Promise.race([page.reported, browser.gone])).toBe('sent');
  expect(line.cuts).toBeGreaterThan(3);
  // A browser repeats by itself what breaks on a connection that it had used before. From the
  // beginning each time it would be more than eight times the file.
  expect(line.sent).toBeLessThan(size * 4);

  expect((await api.image(id)).status).toBe('uploading');
  await api.import(id, { method: { name: 'glance-direct' } });
  await api.finished(id);
  const wanted = { status: 'active', os_hash_value: await digestOf(file) };
  expect(await api.image(id)).toMatchObject(wanted);
  expect(await server.stop()).toBe(0);
  expect(await violations(dataDir)).toEqual([]);
});
