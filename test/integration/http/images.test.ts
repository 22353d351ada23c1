import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpRig, memberOf, trustingHeaders } from '../../support/http-rig.js';
import type { HttpRig } from '../../support/http-rig.js';

const UUID = '0b7a4d3e-0c51-4a52-9c52-2f0b1d1f4a11';
const V21 = 'application/openstack-images-v2.1-json-patch';
const V20 = 'application/openstack-images-v2.0-json-patch';

let rig: HttpRig;
beforeAll(async () => {
  rig = await httpRig({ claims: ['scan_*'] });
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

const patch = (id: string, operations: unknown, type = V21) =>
  rig.api.call('PATCH', `/v2/images/${id}`, {
    headers: { 'content-type': type },
    body: JSON.stringify(operations),
  });
const code = (body: unknown) => (body as { error: { code: string } }).error.code;

describe('POST /v2/images', () => {
  it('makes a queued record with every base property and the defaults', async () => {
    const answer = await rig.api.call('POST', '/v2/images', {
      json: { id: UUID, name: 'n', os_distro: 'debian', tags: ['a', 'b'], kernel_id: null },
    });
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({
      location: `${rig.url}/v2/images/${UUID}`,
      'openstack-image-import-methods': 'glance-direct',
      'openstack-image-store-ids': 'fast',
      'content-type': expect.stringContaining('application/json') as unknown,
      'x-openstack-request-id': expect.stringMatching(/^req-[0-9a-f-]{36}$/) as unknown,
    });
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as unknown;
    expect(answer.body).toEqual({
      id: UUID,
      name: 'n',
      status: 'queued',
      visibility: 'shared',
      owner: 'default',
      disk_format: null,
      container_format: null,
      size: null,
      virtual_size: null,
      checksum: null,
      os_hash_algo: null,
      os_hash_value: null,
      min_disk: 0,
      min_ram: 0,
      protected: false,
      os_hidden: false,
      tags: ['a', 'b'],
      os_distro: 'debian',
      created_at: time,
      updated_at: time,
      self: `/v2/images/${UUID}`,
      file: `/v2/images/${UUID}/file`,
      schema: '/v2/schemas/image',
    });
    expect((await rig.api.call('GET', `/v2/images/${UUID.toUpperCase()}`)).body).toEqual(
      answer.body,
    );
  });

  it('never gives an id twice', async () => {
    const { id } = await rig.api.createImage();
    const again = () => rig.api.call('POST', '/v2/images', { json: { id } });
    expect((await again()).status).toBe(409);
    expect((await rig.api.call('DELETE', `/v2/images/${id}`)).status).toBe(204);
    expect((await again()).status).toBe(409);
  });

  it('leaves out what plugins claim, since a snapshot copies it from another image', async () => {
    const image = await rig.api.createImage({ scan_result: 'clean', other: 'x' });
    expect(image).toMatchObject({ other: 'x' });
    expect(image).not.toHaveProperty('scan_result');
  });

  it.each<[number, string, unknown]>([
    [400, 'BODY_INVALID', []],
    [400, 'ATTRIBUTE_INVALID', { id: 'x' }],
    [400, 'ATTRIBUTE_INVALID', { disk_format: 'floppy' }],
    [400, 'ATTRIBUTE_INVALID', { visibility: 'secret' }],
    [400, 'ATTRIBUTE_INVALID', { min_disk: '5' }],
    [400, 'ATTRIBUTE_INVALID', { name: 'x'.repeat(256) }],
    [400, 'ATTRIBUTE_INVALID', { name: 'a\0b' }],
    [400, 'ATTRIBUTE_INVALID', { extra: 5 }],
    [400, 'PROPERTY_INVALID', { ['x'.repeat(256)]: 'v' }],
    [400, 'PROPERTY_INVALID', { tags: [''] }],
    [403, 'PROPERTY_RESERVED', { os_glance_x: 'v' }],
    [403, 'PROPERTY_RESERVED', { location: 'v' }],
    [403, 'PROPERTY_READ_ONLY', { status: 'active' }],
    [403, 'PROPERTY_READ_ONLY', { direct_url: 'v' }],
    [403, 'PROPERTY_READ_ONLY', { stores: 'v' }],
    [413, 'TAGS_EXCEEDED', { tags: Array.from({ length: 129 }, (_, i) => `t${i}`) }],
    [
      413,
      'PROPERTIES_EXCEEDED',
      Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`p${i}`, 'v'])),
    ],
  ])('answers %i %s', async (status, expected, json) => {
    const answer = await rig.api.call('POST', '/v2/images', { json });
    expect([answer.status, code(answer.body)]).toEqual([status, expected]);
  });

  it.each<[number, string, string, string]>([
    [400, 'BODY_INVALID', 'application/json', '{"name":'],
    [400, 'BODY_INVALID', 'application/json', '"\xff"'],
    [400, 'BODY_INVALID', 'application/json', ''],
    [415, 'MEDIA_TYPE_UNSUPPORTED', 'application/x-www-form-urlencoded', 'a=b'],
    [413, 'BODY_TOO_LARGE', 'application/json', `"${'x'.repeat(20_000_000)}"`],
  ])('answers %i %s to a body that is not one', async (status, expected, type, text) => {
    const answer = await rig.api.call('POST', '/v2/images', {
      headers: { 'content-type': type },
      body: Buffer.from(text, 'latin1'),
    });
    expect([answer.status, code(answer.body)]).toEqual([status, expected]);
  });

  it('keeps a property named like a part of the prototype', async () => {
    const image = await rig.api.createImage({ constructor: 'v', toString: 'w' });
    const { body } = await rig.api.call('GET', `/v2/images/${image.id}`);
    expect(body).toMatchObject({ constructor: 'v', toString: 'w' });
  });
});

describe('PATCH /v2/images/{id}', () => {
  it('applies all changes, or none', async () => {
    const { id } = await rig.api.createImage({ a: '1', b: '2' });
    const answer = await patch(id, [
      { op: 'replace', path: '/name', value: 'new' },
      { op: 'add', path: '/c', value: '3' },
      { op: 'remove', path: '/a' },
      { op: 'replace', path: '/tags', value: ['t'] },
    ]);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ name: 'new', b: '2', c: '3', tags: ['t'] });
    expect(answer.body).not.toHaveProperty('a');

    const refused = await patch(id, [
      { op: 'replace', path: '/name', value: 'half' },
      { op: 'replace', path: '/missing', value: 'x' },
    ]);
    expect([refused.status, code(refused.body)]).toEqual([409, 'PROPERTY_MISSING']);
    expect(await rig.api.image(id)).toEqual(answer.body);
  });

  it('reads the fourth draft of JSON patch', async () => {
    const { id } = await rig.api.createImage({ a: '1' });
    const answer = await patch(
      id,
      [
        { replace: '/a', value: '2' },
        { add: '/b', value: '3' },
      ],
      V20,
    );
    expect(answer.body).toMatchObject({ a: '2', b: '3' });
    expect((await patch(id, [{ add: '/a', value: '4' }], V20)).status).toBe(409);
  });

  it('says which media types it takes', async () => {
    const { id } = await rig.api.createImage();
    const answer = await patch(id, [], 'application/json');
    expect(answer.status).toBe(415);
    expect(answer.headers['accept-patch']).toBe(`${V20}, ${V21}`);
  });

  it.each<[number, string, unknown]>([
    [200, '', []],
    [400, 'PATCH_INVALID', {}],
    [400, 'PATCH_INVALID', [{ op: 'add', path: '/tags/-', value: 'x' }]],
    [403, 'PROPERTY_RESERVED', [{ op: 'add', path: '/locations/-', value: {} }]],
    [403, 'PROPERTY_READ_ONLY', [{ op: 'replace', path: '/id', value: UUID }]],
    [403, 'ATTRIBUTE_REQUIRED', [{ op: 'remove', path: '/visibility' }]],
    [409, 'PROPERTY_MISSING', [{ op: 'remove', path: '/nothing' }]],
    [
      413,
      'TAGS_EXCEEDED',
      [{ op: 'add', path: '/tags', value: Array.from({ length: 129 }, (_, i) => `t${i}`) }],
    ],
  ])('answers %i %s', async (status, expected, operations) => {
    const { id } = await rig.api.createImage();
    const answer = await patch(id, operations);
    expect(answer.status).toBe(status);
    if (expected !== '') expect(code(answer.body)).toBe(expected);
  });
});

describe('tags, actions and DELETE', () => {
  it('adds and removes a tag', async () => {
    const { id } = await rig.api.createImage();
    const tag = `/v2/images/${id}/tags/${encodeURIComponent('a b/ü')}`;
    expect((await rig.api.call('PUT', tag)).status).toBe(204);
    expect((await rig.api.call('PUT', tag)).status).toBe(204);
    expect((await rig.api.image(id))['tags']).toEqual(['a b/ü']);
    expect((await rig.api.call('DELETE', tag)).status).toBe(204);
    expect((await rig.api.call('DELETE', tag)).status).toBe(404);
    expect((await rig.api.call('PUT', `/v2/images/${id}/tags/${'x'.repeat(256)}`)).status).toBe(
      400,
    );
  });

  it('refuses a body where none belongs', async () => {
    const { id } = await rig.api.createImage();
    for (const [method, path] of [
      ['PUT', `/v2/images/${id}/tags/x`],
      ['POST', `/v2/images/${id}/actions/deactivate`],
      ['DELETE', `/v2/images/${id}`],
    ] as const) {
      const answer = await rig.api.call(method, path, { body: 'x' });
      expect([answer.status, code(answer.body)]).toEqual([400, 'BODY_NOT_EXPECTED']);
    }
  });

  it('takes no id for an empty one, and not for the list', async () => {
    for (const method of ['GET', 'DELETE', 'PATCH'] as const) {
      expect((await rig.api.call(method, '/v2/images/')).status).toBe(404);
    }
  });

  it('deactivates active images alone, and does it twice without harm', async () => {
    const { id } = await rig.api.createImage();
    const act = async (action: string) =>
      (await rig.api.call('POST', `/v2/images/${id}/actions/${action}`)).status;
    expect(await act('deactivate')).toBe(403);
    await rig.database.write((tx) =>
      tx.updateImage(id, { status: ['queued'] }, { status: 'active' }, new Date()),
    );
    expect([await act('deactivate'), await act('deactivate')]).toEqual([204, 204]);
    expect((await rig.api.image(id)).status).toBe('deactivated');
    expect([await act('reactivate'), await act('reactivate')]).toEqual([204, 204]);
    expect((await rig.api.image(id)).status).toBe('active');
  });

  it('deletes what is not protected', async () => {
    const { id } = await rig.api.createImage({ protected: true });
    const refused = await rig.api.call('DELETE', `/v2/images/${id}`);
    expect([refused.status, code(refused.body)]).toEqual([403, 'IMAGE_PROTECTED']);
    await patch(id, [{ op: 'replace', path: '/protected', value: false }]);
    expect((await rig.api.call('DELETE', `/v2/images/${id}`)).status).toBe(204);
    expect((await rig.api.call('GET', `/v2/images/${id}`)).status).toBe(404);
    expect((await rig.api.call('DELETE', `/v2/images/${id}`)).status).toBe(404);
  });
});

describe('GET /v2/images', () => {
  it('gives pages that join to the whole', async () => {
    await using own = await httpRig();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await own.api.createImage({ name });
    const seen: string[] = [];
    let path: string | undefined = '/v2/images?limit=2&sort=name:asc';
    const pages: number[] = [];
    while (path !== undefined) {
      const { body } = await own.api.call('GET', path);
      const page = body as {
        images: { name: string }[];
        next?: string;
        first: string;
        schema: string;
      };
      expect(page.first).toBe('/v2/images?limit=2&sort=name%3Aasc');
      expect(page.schema).toBe('/v2/schemas/images');
      seen.push(...page.images.map(({ name }) => name));
      pages.push(page.images.length);
      path = page.next;
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(pages).toEqual([2, 2, 1]);
    expect((await own.api.call('GET', '/v2/images?limit=0')).body).toMatchObject({ images: [] });
  });

  it('filters', async () => {
    await using own = await httpRig();
    await own.api.createImage({ name: 'glass, darkly', os_distro: 'debian', tags: ['x', 'y'] });
    await own.api.createImage({
      name: 'other',
      disk_format: 'qcow2',
      tags: ['x'],
      protected: true,
    });
    await own.api.createImage({ name: 'hidden', os_hidden: true });
    const names = async (query: string) => {
      const { body } = await own.api.call('GET', `/v2/images?sort=name:asc&${query}`);
      return (body as { images: { name: string }[] }).images.map(({ name }) => name);
    };
    expect(await names('')).toEqual(['glass, darkly', 'other']);
    expect(await names('os_hidden=true')).toEqual(['hidden']);
    expect(await names('os_distro=debian')).toEqual(['glass, darkly']);
    expect(await names(`name=in:${encodeURIComponent('"glass, darkly",other')}`)).toHaveLength(2);
    expect(await names('tag=x&tag=y')).toEqual(['glass, darkly']);
    expect(await names('disk_format=qcow2')).toEqual(['other']);
    expect(await names('protected=true')).toEqual(['other']);
    expect(await names('status=active')).toEqual([]);
    expect(await names('created_at=gt:2020-01-01T00:00:00Z')).toHaveLength(2);
    expect(await names('created_at=lt:2020-01-01T00:00:00Z')).toEqual([]);
  });

  it.each(['limit=x', `marker=${UUID.replace('0b', 'ff')}`, 'sort=x', 'changes-since=2026-01-01'])(
    'answers 400 to %s',
    async (query) => {
      expect((await rig.api.call('GET', `/v2/images?${query}`)).status).toBe(400);
    },
  );
});

describe('what projects see of each other', () => {
  it('is public and community images, to look at only', async () => {
    await using own = await httpRig({ config: trustingHeaders });
    const make = async (visibility: string, headers: Record<string, string>) => {
      const answer = await own.api.call('POST', '/v2/images', { headers, json: { visibility } });
      return { status: answer.status, id: (answer.body as { id: string }).id };
    };
    const status = async (
      method: 'GET' | 'DELETE',
      path: string,
      headers: Record<string, string>,
    ) => (await own.api.call(method, path, { headers })).status;
    const [p, q, admin] = [memberOf('p'), memberOf('q'), memberOf('ops', 'admin')];

    expect((await make('public', p)).status).toBe(403);
    const open = await make('public', admin);
    const community = await make('community', p);
    const secret = await make('private', p);

    for (const { id } of [open, community]) {
      expect(await status('GET', `/v2/images/${id}`, q)).toBe(200);
      expect(await status('DELETE', `/v2/images/${id}`, q)).toBe(403);
    }
    expect(await status('GET', `/v2/images/${secret.id}`, q)).toBe(404);
    expect(await status('DELETE', `/v2/images/${secret.id}`, q)).toBe(404);
    expect(await status('GET', `/v2/images/${secret.id}`, admin)).toBe(200);
    expect(await status('GET', `/v2/images/${secret.id}`, {})).toBe(401);
    expect(await status('GET', `/v2/images/${secret.id}`, memberOf('p', 'reader'))).toBe(200);
    expect(await status('DELETE', `/v2/images/${secret.id}`, memberOf('p', 'reader'))).toBe(403);

    const list = async (headers: Record<string, string>, query = '') => {
      const { body } = await own.api.call('GET', `/v2/images${query}`, { headers });
      return (body as { images: { id: string }[] }).images.map(({ id }) => id).toSorted();
    };
    expect(await list(q)).toEqual([open.id]);
    expect(await list(q, '?visibility=all')).toEqual([open.id, community.id].toSorted());
    expect(await list(p)).toEqual([open.id, community.id, secret.id].toSorted());
  });

  it('refuses claimed properties to members in a patch', async () => {
    await using own = await httpRig({ config: trustingHeaders, claims: ['scan_*'] });
    const headers = memberOf('p');
    const made = await own.api.call('POST', '/v2/images', { headers, json: {} });
    const answer = await own.api.call('PATCH', `/v2/images/${(made.body as { id: string }).id}`, {
      headers: { ...headers, 'content-type': V21 },
      body: JSON.stringify([{ op: 'add', path: '/scan_result', value: 'clean' }]),
    });
    expect([answer.status, code(answer.body)]).toEqual([403, 'PROPERTY_CLAIMED']);
  });
});
