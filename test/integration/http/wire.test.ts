import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpRig, memberOf, trustingHeaders } from '../../support/http-rig.js';
import type { HttpRig } from '../../support/http-rig.js';

const ABSENT = '00000000-0000-4000-8000-000000000000';

let rig: HttpRig;
beforeAll(async () => {
  rig = await httpRig({ stores: ['fast', 'frozen'] });
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

describe('the version document', () => {
  it.each([
    ['/', 300],
    ['/versions', 200],
    ['/v1/images', 300],
    ['/v3/', 300],
  ])('is at %s with status %i', async (path, status) => {
    const answer = await rig.api.call('GET', path);
    expect(answer.status).toBe(status);
    const { versions } = answer.body as { versions: { id: string; status: string }[] };
    expect(versions[0]).toEqual({
      id: 'v2.17',
      status: 'CURRENT',
      links: [{ rel: 'self', href: `${rig.url}/v2/` }],
    });
    expect(versions).toContainEqual(expect.objectContaining({ id: 'v2.12', status: 'SUPPORTED' }));
    expect(versions.at(-1)?.id).toBe('v2.0');
  });

  it('names the public endpoint', async () => {
    await using own = await httpRig({
      config: (config) => ({
        ...config,
        server: { ...config.server, publicEndpoint: 'https://images.example/api' },
      }),
    });
    expect((await own.api.call('GET', '/versions')).text).toContain(
      'https://images.example/api/v2/',
    );
  });

  it.each([
    ['/v2.0/images', {}],
    ['/v2.9/images', {}],
    ['/v2.18/images', {}],
    ['/images', { accept: 'application/vnd.openstack.images-v2.4' }],
  ])('leads %s to the same API', async (path, headers) => {
    const answer = await rig.api.call('GET', path, { headers });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ schema: '/v2/schemas/images' });
  });
});

describe('discovery', () => {
  it('has the document of the API, with what its own import methods take', async () => {
    const { status, body } = await rig.api.call('GET', '/stowage/v1/openapi.json');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      paths: { '/v2/images/{id}/import': { post: { operationId: 'importImage' } } },
      components: {
        schemas: {
          NewImport: {
            properties: {
              method: { oneOf: [{ properties: { name: { const: 'glance-direct' } } }] },
            },
          },
        },
      },
    });
  });

  it('lists import methods that a client may name', async () => {
    expect((await rig.api.call('GET', '/v2/info/import')).body).toEqual({
      'import-methods': {
        description: 'Import methods available.',
        type: 'array',
        value: ['glance-direct'],
      },
    });
  });

  it('lists stores, with booleans as texts', async () => {
    expect((await rig.api.call('GET', '/v2/info/stores')).body).toEqual({
      stores: [
        { id: 'fast', description: 'Store fast', default: 'true' },
        { id: 'frozen', description: 'Store frozen', 'read-only': 'true' },
      ],
    });
    expect((await rig.api.call('GET', '/v2/info/stores/detail')).body).toMatchObject({
      stores: [{ id: 'fast', type: 'filesystem', weight: 0, properties: {} }, { id: 'frozen' }],
    });
  });

  it('tells details of stores to admins alone', async () => {
    await using own = await httpRig({ config: trustingHeaders });
    const headers = memberOf('p');
    const answer = await own.api.call('GET', '/v2/info/stores/detail', { headers });
    expect(answer.status).toBe(403);
  });

  it.each(['image', 'images', 'member', 'members', 'task', 'tasks'])(
    'has the schema "%s"',
    async (name) => {
      const { status, body } = await rig.api.call('GET', `/v2/schemas/${name}`);
      expect(status).toBe(200);
      expect(body).toMatchObject({ name });
    },
  );

  it('has a schema that fits what an image shows', async () => {
    const schema = (await rig.api.call('GET', '/v2/schemas/image')).body as {
      properties: Record<string, { type: string | string[] }>;
      additionalProperties: object;
    };
    expect(schema.additionalProperties).toEqual({ type: 'string' });
    const image = await rig.api.createImage({ custom: 'x' });
    for (const [name, value] of Object.entries(image)) {
      const types = [schema.properties[name]?.type ?? 'string'].flat();
      expect(types, name).toContain(jsonType(value));
    }
  });
});

describe('routes', () => {
  it.each<[string, string, string]>([
    ['DELETE', '/v2/images', 'GET,HEAD,POST'],
    ['POST', `/v2/images/${ABSENT}`, 'DELETE,GET,HEAD,PATCH'],
    ['POST', `/v2/images/${ABSENT}/file`, 'GET,HEAD,PUT'],
    ['GET', `/v2/images/${ABSENT}/stage`, 'PUT'],
    ['GET', `/v2/images/${ABSENT}/import`, 'POST'],
    ['PUT', `/v2/images/${ABSENT}/actions/deactivate`, 'POST'],
    ['GET', `/v2/images/${ABSENT}/tags/x`, 'DELETE,PUT'],
    ['PUT', '/v2/tasks', 'GET,HEAD,POST'],
    ['DELETE', `/v2/tasks/${ABSENT}`, 'GET,HEAD'],
    ['POST', '/v2/info/import', 'GET,HEAD'],
    ['PUT', '/v2/schemas/image', 'GET,HEAD'],
  ])('answer 405 to %s %s, with what is allowed', async (method, path, allowed) => {
    const answer = await rig.api.call(method, path);
    expect(answer.status).toBe(405);
    const allow = String(answer.headers['allow']).split(', ').toSorted().join(',');
    expect(allow).toBe(allowed);
    expect(answer.body).toMatchObject({ error: { code: 'METHOD_NOT_ALLOWED' } });
  });

  it.each<[string, string, string]>([
    ['GET', '/nothing', 'ROUTE_NOT_FOUND'],
    ['GET', '/v2/', 'ROUTE_NOT_FOUND'],
    ['GET', '/v2/metadefs/namespaces', 'ROUTE_NOT_FOUND'],
    ['GET', `/v2/images/${ABSENT}/members`, 'IMAGE_NOT_FOUND'],
    ['GET', '/v2/images/not-a-uuid', 'IMAGE_NOT_FOUND'],
    ['GET', `/v2/images/${ABSENT}`, 'IMAGE_NOT_FOUND'],
    ['DELETE', `/v2/images/${ABSENT}`, 'IMAGE_NOT_FOUND'],
    ['GET', `/v2/images/${ABSENT}/file`, 'IMAGE_NOT_FOUND'],
    ['GET', `/v2/images/${ABSENT}/tasks`, 'IMAGE_NOT_FOUND'],
    ['GET', `/v2/tasks/${ABSENT}`, 'IMPORT_NOT_FOUND'],
    ['GET', `/stowage/v1/imports/${ABSENT}`, 'IMPORT_NOT_FOUND'],
    ['GET', `/stowage/v1/imports/${ABSENT}/events`, 'IMPORT_NOT_FOUND'],
    ['POST', `/stowage/v1/imports/${ABSENT}/cancel`, 'IMPORT_NOT_FOUND'],
    ['POST', `/stowage/v1/imports/${ABSENT}/retry`, 'IMPORT_NOT_FOUND'],
    ['GET', '/v2/schemas/nothing', 'SCHEMA_NOT_FOUND'],
  ])('answer 404 to %s %s', async (method, path, code) => {
    const answer = await rig.api.call(method, path);
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ error: { code, status: 404, title: 'Not Found' } });
  });
});

describe('error bodies', () => {
  const get = (accept?: string) =>
    rig.api.call('GET', `/v2/images/${ABSENT}`, {
      headers: accept === undefined ? {} : { accept },
    });

  it('have the fields of Glance for clients that ask for JSON', async () => {
    const { body, headers } = await get('application/json');
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(body).toMatchObject({
      message: expect.stringContaining(`"${ABSENT}"`) as unknown,
      code: '404 Not Found',
      title: 'Not Found',
      error: {
        class: 'not_found',
        code: 'IMAGE_NOT_FOUND',
        request_id: headers['x-openstack-request-id'],
      },
    });
  });

  it.each([undefined, '*/*', 'text/html'])(
    'hold nothing but objects for clients that ask for %s',
    async (accept) => {
      const { body } = await get(accept);
      for (const value of Object.values(body as object)) expect(value).toBeInstanceOf(Object);
      expect(body).toMatchObject({ error: { code: 'IMAGE_NOT_FOUND' } });
    },
  );

  it('do not tell what went wrong inside', async () => {
    await using own = await httpRig({
      parts: {
        catalogue: {
          show: () => Promise.reject(new Error('secret path /root/x')),
        } as never,
      },
    });
    const answer = await own.api.call('GET', `/v2/images/${ABSENT}`);
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('secret');
    expect(answer.body).toMatchObject({ error: { class: 'bug', code: 'INTERNAL' } });
  });
});

describe('routes for machines', () => {
  it('answer without an identity, from trusted addresses', async () => {
    await using own = await httpRig({ config: trustingHeaders });
    expect((await own.api.call('GET', '/healthcheck')).text).toBe('OK');
    await own.api.call('GET', `/v2/images/${ABSENT}`, { headers: memberOf('p') });
    const { text } = await own.api.call('GET', '/metrics');
    expect(text).toMatch(
      /stowage_http_request_duration_seconds_count\{method="GET",route="\/v2\/images\/:id",status="404"\} 1/,
    );

    await using closed = await httpRig({
      config: (config) => ({ ...config, auth: { mode: 'headers', trusted: ['192.0.2.0/24'] } }),
    });
    expect((await closed.api.call('GET', '/healthcheck')).status).toBe(401);
    expect((await closed.api.call('GET', '/v2/images', { headers: memberOf('p') })).status).toBe(
      401,
    );
  });
});

function jsonType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' ? 'integer' : typeof value;
}
