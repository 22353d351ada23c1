import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpRig, memberOf, trustingHeaders } from '../../support/http-rig.js';
import type { HttpRig } from '../../support/http-rig.js';
import type { Answer } from '../../support/api-client.js';
import { problemOf } from '../../support/problem.js';

let rig: HttpRig;

beforeAll(async () => {
  rig = await httpRig({
    config: (config) => {
      const trusting = trustingHeaders(config);
      return { ...trusting, images: { ...trusting.images, maxMembers: 2 } };
    },
  });
});
afterAll(() => rig[Symbol.asyncDispose]());

const owner = memberOf('giver');
const taker = memberOf('taker');
const stranger = memberOf('stranger');

async function shared(name: string): Promise<string> {
  const json = { name, visibility: 'shared' };
  const answer = await rig.api.call('POST', '/v2/images', { json, headers: owner });
  return (answer.body as { id: string }).id;
}

function members(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  id: string,
  who: Record<string, string>,
  rest = '',
  json?: unknown,
): Promise<Answer> {
  return rig.api.call(method, `/v2/images/${id}/members${rest}`, {
    headers: who,
    ...(json === undefined ? {} : { json }),
  });
}

async function listed(who: Record<string, string>, query = ''): Promise<readonly string[]> {
  const { body } = await rig.api.call('GET', `/v2/images?visibility=shared${query}`, {
    headers: who,
  });
  return (body as { images: { id: string }[] }).images.map(({ id }) => id);
}

describe('sharing an image', () => {
  it('shows it to the member at once, and lists it as the member has answered', async () => {
    const id = await shared('answered');
    const seen = () => rig.api.call('GET', `/v2/images/${id}`, { headers: taker });
    expect((await seen()).status).toBe(404);
    const offered = await members('POST', id, owner, '', { member: 'taker' });
    expect([offered.status, offered.body]).toEqual([
      200,
      expect.objectContaining({ member_id: 'taker', image_id: id, status: 'pending' }) as unknown,
    ]);
    expect((await seen()).status).toBe(200);
    expect(await listed(taker)).not.toContain(id);
    expect(await listed(taker, '&member_status=pending')).toContain(id);

    await members('PUT', id, taker, '/taker', { status: 'accepted' });
    expect(await listed(taker)).toContain(id);
    await members('PUT', id, taker, '/taker', { status: 'rejected' });
    expect(await listed(taker)).not.toContain(id);
    expect(await listed(taker, '&member_status=all')).toContain(id);

    expect((await members('DELETE', id, owner, '/taker')).status).toBe(204);
    expect((await seen()).status).toBe(404);
  });

  it('lets only the owner offer and withdraw, and only the member answer', async () => {
    const id = await shared('roles');
    await members('POST', id, owner, '', { member: 'taker' });
    const refused = await Promise.all([
      members('POST', id, taker, '', { member: 'stranger' }),
      members('DELETE', id, taker, '/taker'),
      members('PUT', id, owner, '/taker', { status: 'accepted' }),
      members('PUT', id, memberOf('taker', 'reader'), '/taker', { status: 'accepted' }),
      members('GET', id, stranger),
      members('POST', id, stranger, '', { member: 'stranger' }),
    ]);
    expect(refused.map((answer) => problemOf(answer).code)).toEqual([
      'POLICY_DENIED',
      'POLICY_DENIED',
      'POLICY_DENIED',
      'POLICY_DENIED',
      'IMAGE_NOT_FOUND',
      'IMAGE_NOT_FOUND',
    ]);
  });

  it('tells a member nothing of the other members', async () => {
    const id = await shared('others');
    await members('POST', id, owner, '', { member: 'taker' });
    await members('POST', id, owner, '', { member: 'third' });
    const names = async (who: Record<string, string>) =>
      ((await members('GET', id, who)).body as { members: { member_id: string }[] }).members.map(
        ({ member_id }) => member_id,
      );
    expect([await names(owner), await names(taker)]).toEqual([['taker', 'third'], ['taker']]);
    expect((await members('GET', id, taker, '/third')).status).toBe(404);
    expect((await members('PUT', id, taker, '/third', { status: 'accepted' })).status).toBe(404);
  });

  it('has a limit that two offers at once do not pass', async () => {
    const id = await shared('full');
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd'].map((member) => members('POST', id, owner, '', { member })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 413, 413]);
  });

  it('is for shared images, each project once', async () => {
    const id = await shared('closed');
    const twice = ['taker', 'taker'];
    const first: number[] = [];
    for (const member of twice)
      first.push((await members('POST', id, owner, '', { member })).status);
    expect(first).toEqual([200, 409]);
    await rig.api.call('PATCH', `/v2/images/${id}`, {
      headers: { ...owner, 'content-type': 'application/openstack-images-v2.1-json-patch' },
      body: JSON.stringify([{ op: 'replace', path: '/visibility', value: 'private' }]),
    });
    expect(problemOf(await members('GET', id, owner)).code).toBe('IMAGE_NOT_SHARED');
    expect((await rig.api.call('GET', `/v2/images/${id}`, { headers: taker })).status).toBe(404);
  });

  it('ends with the image', async () => {
    const id = await shared('deleted');
    await members('POST', id, owner, '', { member: 'taker' });
    await rig.api.call('DELETE', `/v2/images/${id}`, { headers: owner });
    expect(await rig.database.read.members(id)).toEqual([]);
    expect(await listed(taker, '&member_status=all')).not.toContain(id);
  });
});
