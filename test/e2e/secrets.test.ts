import { readFile, readdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.js';
import type { Answer } from '../support/api-client.js';
import { stowage } from '../support/command.js';
import { listenHttp } from '../support/listener.js';
import { serveProxy } from '../support/proxy-server.js';
import { startServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';

const SECRETS = {
  password: 'pass-Ahf7quo0',
  bearer: 'bearer-Ooz6ieph',
  header: 'header-ohPh8Eer',
  proxy: 'proxy-wai4Ooth',
  credential: 'credential-Iewo9aec',
  token: 'token-ooH2eeng',
};
const BASIC = Buffer.from(`user:${SECRETS.password}`).toString('base64');
const PROXY_BASIC = Buffer.from(`porter:${SECRETS.proxy}`).toString('base64');
const FORBIDDEN = [...Object.values(SECRETS), BASIC, PROXY_BASIC];

/** Listens on loopback, and tells every caller in each answer what it was sent. */
async function serveEchoes() {
  const sent: string[] = [];
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = new URL(request.url ?? '/', 'http://source');
    const said = JSON.stringify(request.headers);
    sent.push(said);
    if (pathname.endsWith('/auth/tokens')) {
      const expires_at = new Date(Date.now() + 3_600_000).toISOString();
      response
        .writeHead(201, { 'x-subject-token': SECRETS.token, 'content-type': 'application/json' })
        .end(JSON.stringify({ token: { expires_at } }));
      return;
    }
    const status = Number(/\/(\d{3})$/.exec(pathname)?.[1] ?? 200);
    response.writeHead(status, { 'x-echo': said, 'content-type': 'text/plain' }).end(said);
  };
  const listener = await listenHttp(handle, { host: '127.0.0.1' });
  return {
    url: `http://127.0.0.1:${listener.port}`,
    sent,
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}

/** Remembers every answer whole. */
class RecordingClient extends ApiClient {
  readonly answers: string[] = [];

  override async call(...args: Parameters<ApiClient['call']>): Promise<Answer> {
    const answer = await super.call(...args);
    this.answers.push(JSON.stringify(answer.headers), answer.text);
    return answer;
  }
}

function configuration(source: string, proxy: string): string {
  const credentials = [
    { url: `${source}/basic/`, username: 'user', password: SECRETS.password },
    { url: `${source}/bearer/`, bearer: { env: 'SOURCE_TOKEN' } },
    { url: `${source}/header/`, headers: { 'x-api-key': SECRETS.header } },
  ];
  const allow = ['127.0.0.0/8'];
  const through = { url: proxy, username: 'porter', password: SECRETS.proxy };
  const region = {
    name: 'far',
    endpoint: source,
    keystone: {
      url: `${source}/v3`,
      application_credential_id: 'id',
      application_credential_secret: SECRETS.credential,
    },
  };
  const methods = [
    { name: 'web-download', config: { allow, credentials, proxy: through } },
    { name: 'glance-download', config: { allow, regions: [region] } },
  ];
  return `log: { level: debug, format: json }
imports:
  retry: { attempts: 2, backoff: 10 ms, max_backoff: 20 ms }
  methods: ${JSON.stringify(methods)}
`;
}

async function filesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.join(parentPath, name));
}

it('secrets of the config reach those they are for, and no row, file, log or answer', async () => {
  await using directory = await tempDir();
  await using source = await serveEchoes();
  await using proxy = await serveProxy();
  const dataDir = path.join(directory.path, 'data');
  const config = path.join(directory.path, 'stowage.yaml');
  await writeFile(config, configuration(source.url, proxy.url));
  const env = { SOURCE_TOKEN: SECRETS.bearer };
  const server = await startServer({ dataDir, config, env });
  const api = new RecordingClient(server.url);

  const importFrom = async (name: string, params: Readonly<Record<string, unknown>>) => {
    const { id } = await api.createImage();
    const answer = await api.import(id, { method: { name, ...params } });
    if (answer.status !== 202) return;
    await api.finished(id);
    await api.call('GET', `/v2/images/${id}`);
    await api.call('GET', `/v2/images/${id}/tasks`);
  };
  for (const kind of ['basic', 'bearer', 'header']) {
    for (const status of [401, 403, 404, 500, 503, 302]) {
      await importFrom('web-download', { uri: `${source.url}/${kind}/${status}` });
    }
  }
  await importFrom('web-download', { uri: source.url.replace('http:', 'https:') });
  const far = { glance_image_id: '7d1b0c5e-3c55-4dd2-8b6e-8e2a1d9ea3a1', glance_region: 'far' };
  await importFrom('glance-download', far);
  for (const place of ['/metrics', '/v2/tasks', '/v2/info/import', '/stowage/v1/imports']) {
    await api.call('GET', place);
  }

  // All of them were sent, or the search below would find nothing for want of anything to find.
  const sent = [...source.sent, ...proxy.asked.map(({ authorization }) => authorization ?? '')];
  for (const secret of [BASIC, SECRETS.bearer, SECRETS.header, PROXY_BASIC, SECRETS.token]) {
    expect(
      sent.some((text) => text.includes(secret)),
      secret,
    ).toBe(true);
  }
  const shown = await stowage(['config', 'show', '--config', config], { env });
  expect(shown.code).toBe(0);

  const read = async () =>
    Promise.all(
      (await filesBelow(dataDir)).map(
        async (file) => [file, await readFile(file, 'latin1')] as const,
      ),
    );
  const whileOpen = await read();
  expect(await server.stop()).toBe(0);
  const places: (readonly [string, string])[] = [
    ...whileOpen,
    ...(await read()),
    ['the output', server.output()],
    ['config show', shown.out + shown.err],
    ...api.answers.map((text, index) => [`answer ${index}`, text] as const),
  ];
  const leaks = places.flatMap(([place, text]) =>
    FORBIDDEN.filter((secret) => text.includes(secret)).map((secret) => `${place}: ${secret}`),
  );
  expect(leaks).toEqual([]);
});
