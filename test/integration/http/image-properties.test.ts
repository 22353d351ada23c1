import { expect, it } from 'vitest';
import { httpRig } from '../../support/http-rig.js';
import { problemOf } from '../../support/problem.js';

it('properties that the deployer names are in the schema, and are what it says', async () => {
  const properties = {
    os_type: { description: 'System', enum: ['linux', 'windows'] },
    ticket: { description: '', pattern: '^[A-Z]+-[0-9]+$', maxLength: 8 },
  };
  await using rig = await httpRig({
    config: (config) => ({ ...config, images: { ...config.images, properties } }),
  });
  const schema = await rig.api.call('GET', '/v2/schemas/image');
  expect((schema.body as { properties: object }).properties).toMatchObject({
    os_type: {
      type: 'string',
      is_base: false,
      description: 'System',
      enum: ['linux', 'windows'],
    },
    ticket: { type: 'string', is_base: false, pattern: '^[A-Z]+-[0-9]+$', maxLength: 8 },
    architecture: { type: 'string' },
  });

  const create = (json: object) => rig.api.call('POST', '/v2/images', { json });
  for (const wrong of [{ os_type: 'plan9' }, { ticket: 'ab-1' }, { ticket: 'ABCDEF-123' }]) {
    expect(problemOf(await create(wrong))).toMatchObject({ status: 400, code: 'PROPERTY_INVALID' });
  }
  const made = await create({ os_type: 'linux', ticket: 'AB-12', anything: 'else' });
  expect(made.status).toBe(201);
  const { id } = made.body as { id: string };
  const changed = await rig.api.call('PATCH', `/v2/images/${id}`, {
    headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
    body: JSON.stringify([{ op: 'replace', path: '/os_type', value: 'plan9' }]),
  });
  expect(problemOf(changed)).toMatchObject({
    status: 400,
    message: 'Property "os_type" cannot be "plan9"',
    hint: 'One of: linux, windows',
  });
});
