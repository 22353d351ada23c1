import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../../core/config/config.js';
import { httpRig } from '../../support/http-rig.js';
import type { HttpRig } from '../../support/http-rig.js';
import { problemOf } from '../../support/problem.js';

const PATCH = 'application/openstack-images-v2.1-json-patch';

/** As the page of the policy shows it, and one more that lets nobody read what all may make. */
const PROTECTIONS: Config['images']['propertyProtections'] = [
  {
    match: '^x_billing_',
    create: 'rule:billing',
    read: 'rule:billing or role:auditor',
    update: 'rule:billing',
    delete: '!',
  },
  { match: '^x_drop$', create: '@', read: '!', update: '!', delete: '!' },
  { match: '^x_nobody', create: '!', read: '!', update: '!', delete: '!' },
  { match: '^os_', create: '@', read: '@', update: '@', delete: '@' },
];

let rig: HttpRig;
beforeAll(async () => {
  rig = await httpRig({
    config: (config) => ({
      ...config,
      auth: { mode: 'headers', trusted: ['127.0.0.0/8'] },
      policy: { billing: 'role:billing' },
      images: { ...config.images, propertyProtections: PROTECTIONS },
    }),
  });
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

function as(...roles: string[]): Record<string, string> {
  return { 'x-project-id': 'p', 'x-user-id': 'u', 'x-roles': ['member', ...roles].join(',') };
}

async function create(
  headers: Record<string, string>,
  properties: Readonly<Record<string, string>>,
): Promise<string> {
  const answer = await rig.api.call('POST', '/v2/images', { headers, json: properties });
  expect(answer.status, answer.text).toBe(201);
  return (answer.body as { id: string }).id;
}

async function patch(
  headers: Record<string, string>,
  id: string,
  ...operations: readonly object[]
): Promise<{ readonly status: number; readonly code: string }> {
  const answer = await rig.api.call('PATCH', `/v2/images/${id}`, {
    headers: { ...headers, 'content-type': PATCH },
    body: JSON.stringify(operations),
  });
  return { status: answer.status, code: answer.status === 200 ? '' : problemOf(answer).code };
}

async function propertiesOf(headers: Record<string, string>, id: string): Promise<string[]> {
  const answer = await rig.api.call('GET', `/v2/images/${id}`, { headers });
  return Object.keys(answer.body as object)
    .filter((name) => /^(x_|os_type)/.test(name))
    .sort();
}

const DENIED = { status: 403, code: 'PROPERTY_PROTECTED' };

describe('a protected property', () => {
  it('is made by those who may create it', async () => {
    const refused = await rig.api.call('POST', '/v2/images', {
      headers: as(),
      json: { x_billing_code: '7' },
    });
    expect(problemOf(refused)).toMatchObject(DENIED);
    const id = await create(as('billing'), { x_billing_code: '7', os_type: 'linux' });
    expect(await propertiesOf(as('billing'), id)).toEqual(['os_type', 'x_billing_code']);
  });

  it('is shown, listed and found by those who may read it', async () => {
    const id = await create(as('billing'), { x_billing_owner: 'red', os_type: 'linux' });
    expect(await propertiesOf(as(), id)).toEqual(['os_type']);
    expect(await propertiesOf(as('auditor'), id)).toEqual(['os_type', 'x_billing_owner']);
    const found = async (headers: Record<string, string>) => {
      const answer = await rig.api.call('GET', '/v2/images?x_billing_owner=red', { headers });
      return (answer.body as { images: readonly { id: string }[] }).images.map((one) => one.id);
    };
    expect(await found(as('auditor'))).toEqual([id]);
    expect(await found(as())).toEqual([]);
  });

  it('is changed and removed by those who may, and is not there for who may not read it', async () => {
    const id = await create(as('billing'), { x_billing_code: '7' });
    const replace = { op: 'replace', path: '/x_billing_code', value: '8' };
    const remove = { op: 'remove', path: '/x_billing_code' };
    expect(await patch(as('auditor'), id, replace)).toEqual(DENIED);
    expect(await patch(as(), id, replace)).toEqual({ status: 409, code: 'PROPERTY_MISSING' });
    expect(await patch(as(), id, remove)).toEqual({ status: 409, code: 'PROPERTY_MISSING' });
    expect(await patch(as('billing'), id, replace)).toEqual({ status: 200, code: '' });
    expect(await patch(as('billing'), id, remove)).toEqual(DENIED);
  });

  it('may be written and never seen again', async () => {
    const id = await create(as(), { x_drop: 'a' });
    expect(await propertiesOf(as('admin'), id)).toEqual([]);
    expect(await patch(as(), id, { op: 'add', path: '/x_drop', value: 'b' })).toMatchObject({
      status: 200,
    });
  });
});

describe('a property that no entry matches', () => {
  it.each(['x_nobody', 'plain'])('is nobody’s, nor an administrator’s: %s', async (name) => {
    const answer = await rig.api.call('POST', '/v2/images', {
      headers: as('admin'),
      json: { [name]: 'v' },
    });
    expect(problemOf(answer)).toMatchObject(DENIED);
  });

  it('leaves attributes and tags alone', async () => {
    const id = await create(as(), {});
    const rename = { op: 'replace', path: '/name', value: 'n' };
    expect(await patch(as(), id, rename)).toMatchObject({ status: 200 });
    const tagged = await rig.api.call('PUT', `/v2/images/${id}/tags/t`, { headers: as() });
    expect(tagged.status).toBe(204);
  });
});
