import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.js';
import type { Answer } from '../support/api-client.js';
import { problemOf } from '../support/problem.js';
import { startServer } from '../support/server.js';
import type { TestServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';
import { KeystoneService } from './keystone.js';
import type { Scope } from './keystone.js';

/** Every token is asked for each time, so that the tests see what Keystone says now. */
const ASKING = 'cache_time: 0 s';

let keystone: KeystoneService;
let directory: Awaited<ReturnType<typeof tempDir>>;
let projects: Record<'p' | 'q' | 'service', string>;
let users: Record<string, string>;
const servers: TestServer[] = [];
const secrets: string[] = [];

beforeAll(async () => {
  directory = await tempDir();
  keystone = await KeystoneService.start();
  const [p, q, service] = await Promise.all(['p', 'q', 'service'].map((n) => keystone.project(n)));
  projects = { p: p ?? '', q: q ?? '', service: service ?? '' };
  users = {};
  for (const name of [
    'member',
    'reader',
    'manager',
    'nobody',
    'other',
    'operator',
    'stowage',
    'nova',
    'accountant',
  ]) {
    users[name] = await keystone.user(name);
  }
  const grants: readonly [string, string, Exclude<Scope, 'unscoped'>][] = [
    ['member', 'member', { project: projects.p }],
    ['member', 'member', { domain: 'default' }],
    ['reader', 'reader', { project: projects.p }],
    ['manager', 'manager', { project: projects.p }],
    ['other', 'member', { project: projects.q }],
    ['operator', 'admin', { project: projects.q }],
    ['operator', 'admin', { system: 'all' }],
    ['operator', 'reader', { project: projects.p }],
    // What Keystone wants of who checks tokens, and no more.
    ['stowage', 'service', { project: projects.service }],
    ['nova', 'service', { project: projects.service }],
    ['accountant', 'service', { project: projects.service }],
    ['accountant', 'reader', { system: 'all' }],
  ];
  for (const [user, role, scope] of grants) await keystone.grant(role, users[user] ?? '', scope);
}, 180_000);

afterAll(async () => {
  for (const server of servers) {
    await server.stop();
    const output = server.output();
    for (const secret of secrets) expect(output).not.toContain(secret);
  }
  await keystone[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

async function serve(name: string, settings: string, more = ''): Promise<ApiClient> {
  const config = path.join(directory.path, `${name}.yaml`);
  const text = `
auth:
  mode: keystone
  keystone:
    url: ${keystone.url}
    public_url: https://identity.example/v3
    ${settings.split('\n').join('\n    ')}
log: { level: debug, format: json }
${more}
`;
  await writeFile(config, text);
  const dataDir = path.join(directory.path, name);
  const server = await startServer({ dataDir, config });
  servers.push(server);
  return new ApiClient(server.url);
}

const AS_USER = 'user: stowage\npassword: secret';

const issued = new Map<string, Promise<string>>();

/** The same for the same, as long as it lives. */
function tokenOf(user: string, scope: Scope): Promise<string> {
  const key = JSON.stringify([user, scope]);
  const token = issued.get(key) ?? newToken(user, scope);
  issued.set(key, token);
  return token;
}

async function newToken(user: string, scope: Scope): Promise<string> {
  const token = await keystone.token(users[user] ?? '', scope);
  secrets.push(token);
  return token;
}

function list(api: ApiClient, token: string | undefined, more = {}): Promise<Answer> {
  const headers = token === undefined ? more : { 'x-auth-token': token, ...more };
  return api.call('GET', '/v2/images', { headers });
}

function create(api: ApiClient, token: string, json = {}): Promise<Answer> {
  return api.call('POST', '/v2/images', { headers: { 'x-auth-token': token }, json });
}

describe('auth: keystone', () => {
  let api: ApiClient;
  beforeAll(async () => {
    api = await serve('asking', `${AS_USER}\n${ASKING}`);
  });

  it('needs no token to be discovered', async () => {
    expect((await api.call('GET', '/')).status).toBe(300);
    expect((await api.call('GET', '/versions')).status).toBe(200);
    expect((await api.call('GET', '/healthcheck')).status).toBe(200);
  });

  it('says where a token is to be had', async () => {
    const longToken = 'x'.repeat(5000);
    for (const token of [undefined, 'gAAAAABnonsense', 'a b', longToken]) {
      const answer = await list(api, token);
      expect(problemOf(answer)).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
      expect(answer.headers['www-authenticate']).toBe('Keystone uri="https://identity.example/v3"');
    }
  });

  it.each([
    ['member', 201, 200],
    ['manager', 201, 200],
    ['reader', 403, 200],
  ])('lets a %s of a project create (%s) and list (%s)', async (user, created, listed) => {
    const token = await tokenOf(user, { project: projects.p });
    expect((await create(api, token)).status).toBe(created);
    expect((await list(api, token)).status).toBe(listed);
  });

  it('gives an image to the project of the token, and hides it from others', async () => {
    const made = await create(api, await tokenOf('member', { project: projects.p }));
    const { id, owner } = made.body as { id: string; owner: string };
    expect(owner).toBe(projects.p);
    const show = async (token: string) =>
      (await api.call('GET', `/v2/images/${id}`, { headers: { 'x-auth-token': token } })).status;
    expect(await show(await tokenOf('other', { project: projects.q }))).toBe(404);
    expect(await show(await tokenOf('operator', { project: projects.q }))).toBe(200);
    const system = await tokenOf('operator', { system: 'all' });
    expect(await show(system)).toBe(404);
    expect(problemOf(await list(api, system)).code).toBe('POLICY_DENIED');
    // The same user without the role of an administrator there.
    expect(await show(await tokenOf('operator', { project: projects.p }))).toBe(200);
    const domain = await tokenOf('member', { domain: 'default' });
    expect(await show(domain)).toBe(404);
    expect(problemOf(await list(api, domain)).code).toBe('POLICY_DENIED');
    expect(problemOf(await create(api, domain)).code).toBe('POLICY_DENIED');
    const unscoped = await tokenOf('nobody', 'unscoped');
    expect(problemOf(await list(api, unscoped)).code).toBe('POLICY_DENIED');
  });

  it('refuses a token that was revoked', async () => {
    const token = await newToken('member', { project: projects.p });
    expect((await list(api, token)).status).toBe(200);
    await keystone.revoke(token);
    expect((await list(api, token)).status).toBe(401);
  });

  it('takes the roles of a service from its own token', async () => {
    const reader = await tokenOf('reader', { project: projects.p });
    const nova = await tokenOf('nova', { project: projects.service });
    const detail = async (headers: Record<string, string>) =>
      (await api.call('GET', '/v2/info/stores/detail', { headers })).status;
    expect(await detail({ 'x-auth-token': reader })).toBe(403);
    expect(await detail({ 'x-auth-token': reader, 'x-service-token': nova })).toBe(200);
    expect(await detail({ 'x-auth-token': reader, 'x-service-token': reader })).toBe(403);
    expect(await detail({ 'x-auth-token': reader, 'x-service-token': 'gAAAAno' })).toBe(401);
    expect(await detail({ 'x-service-token': nova })).toBe(401);
  });

  it('checks tokens with an application credential', async () => {
    const own = await keystone.token(users['stowage'] ?? '', { project: projects.service });
    const { id, secret } = await keystone.applicationCredential(users['stowage'] ?? '', own);
    secrets.push(secret);
    const with_ = `application_credential_id: ${id}\napplication_credential_secret: ${secret}`;
    const other = await serve('application', with_);
    expect((await list(other, await tokenOf('member', { project: projects.p }))).status).toBe(200);
  });

  it('answers 503 where its own credential is refused, and says so in the log', async () => {
    const locked = await serve('locked', 'user: stowage\npassword: wrong');
    const token = await tokenOf('member', { project: projects.p });
    const problem = problemOf(await list(locked, token));
    expect(problem).toMatchObject({ status: 503, code: 'KEYSTONE_FAILS' });
    expect(servers.at(-1)?.output()).toContain('refuses the credential of this server with 401');
  });
});

describe('while Keystone is away', () => {
  it('known tokens are trusted, others wait, and all is well afterwards', async () => {
    const api = await serve('outage', `${AS_USER}\n${ASKING}`);
    const known = await tokenOf('member', { project: projects.p });
    const unknown = await newToken('member', { project: projects.p });
    expect((await list(api, known)).status).toBe(200);
    await keystone.down();
    expect((await list(api, known)).status).toBe(200);
    expect((await create(api, known)).status).toBe(201);
    const refused = await list(api, unknown);
    expect(problemOf(refused)).toMatchObject({ status: 503, code: 'KEYSTONE_UNREACHABLE' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await api.call('GET', '/')).status).toBe(300);
    await keystone.up();
    await expect.poll(async () => (await list(api, unknown)).status, POLL).toBe(200);
  });

  it('no token is trusted where the deployer does not want it', async () => {
    const api = await serve('strict', `${AS_USER}\n${ASKING}\noutage_time: 0 s`);
    const known = await tokenOf('member', { project: projects.p });
    expect((await list(api, known)).status).toBe(200);
    await keystone.down();
    expect((await list(api, known)).status).toBe(503);
    await keystone.up();
    await expect.poll(async () => (await list(api, known)).status, POLL).toBe(200);
  });
});

describe('a token that runs out', () => {
  it('is refused, but not where a service still works for its user', async () => {
    await keystone.down();
    await keystone.up({ tokenLife: 20 });
    const api = await serve('expiry', `${AS_USER}\n${ASKING}`);
    const caching = await serve('expiry-cached', AS_USER);
    const token = await newToken('member', { project: projects.p });
    expect((await list(api, token)).status).toBe(200);
    expect((await list(caching, token)).status).toBe(200);
    await expect.poll(async () => (await list(api, token)).status, POLL).toBe(401);
    // No remembered answer outlives its token.
    await expect.poll(async () => (await list(caching, token)).status, POLL).toBe(401);
    // Its own token has run out meanwhile as well, and was renewed.
    const nova = await newToken('nova', { project: projects.service });
    expect((await list(api, token, { 'x-service-token': nova })).status).toBe(200);
    const member = await newToken('member', { project: projects.p });
    expect((await list(api, token, { 'x-service-token': member })).status).toBe(401);
  });
});

const POLL = { timeout: 60_000, interval: 200 };

describe('unified limits', () => {
  it('are held to: of all regions, of the region, of the project', async () => {
    const { body } = await keystone.call('POST', '/services', {
      service: { type: 'image', name: 'stowage' },
    });
    const service_id = (body as { service: { id: string } }).service.id;
    await keystone.call('POST', '/regions', { region: { id: 'one' } });
    const registered = (resource_name: string, default_limit: number, region_id?: string) => ({
      ...{ service_id, resource_name, default_limit },
      ...(region_id === undefined ? {} : { region_id }),
    });
    await keystone.call('POST', '/registered_limits', {
      registered_limits: [
        registered('image_count_total', 1),
        registered('image_count_total', 2, 'one'),
        registered('image_size_total', 1),
        registered('image_stage_total', -1),
      ],
    });
    await keystone.call('POST', '/limits', {
      limits: [
        {
          ...{ service_id, region_id: 'one', project_id: projects.q },
          ...{ resource_name: 'image_count_total', resource_limit: 3 },
        },
      ],
    });
    const api = await serve(
      'limits',
      'user: accountant\npassword: secret',
      'quotas: { source: keystone, region: one }',
    );
    const made = async (user: string, project: string): Promise<readonly number[]> => {
      const token = await tokenOf(user, { project });
      const statuses: number[] = [];
      for (let count = 0; count < 4; count += 1) statuses.push((await create(api, token)).status);
      return statuses;
    };
    expect(await made('member', projects.p)).toEqual([201, 201, 413, 413]);
    expect(await made('other', projects.q)).toEqual([201, 201, 201, 413]);
    const usage = await api.call('GET', '/v2/info/usage', {
      headers: { 'x-auth-token': await tokenOf('other', { project: projects.q }) },
    });
    expect(usage.body).toEqual({
      usage: {
        image_size_total: { usage: 0, limit: 1 },
        image_stage_total: { usage: 0, limit: -1 },
        image_count_total: { usage: 3, limit: 3 },
        image_count_uploading: { usage: 0, limit: -1 },
      },
    });
  });
});
