import { expect, it } from 'vitest';
import type { ImageDocument } from '../../support/api-client.js';
import { httpRig, memberOf, trustingHeaders } from '../../support/http-rig.js';
import { problemOf } from '../../support/problem.js';

const owner = memberOf('one');
const PATCH = 'application/openstack-images-v2.1-json-patch';

it('lets services alone name what is inside a storage, by either way', async () => {
  await using rig = await httpRig({
    config: (config) => {
      const images = { ...config.images, changeLocations: true };
      return { ...trustingHeaders(config), images };
    },
  });
  const json = { disk_format: 'raw', container_format: 'bare' };
  const { body } = await rig.api.call('POST', '/v2/images', { headers: owner, json });
  const path = `/v2/images/${(body as ImageDocument).id}`;
  const value = { url: 'vault://somebody/else', metadata: {} };
  const patch = JSON.stringify([{ op: 'add', path: '/locations/-', value }]);
  const answers = [
    await rig.api.call('POST', `${path}/locations`, { headers: owner, json: { url: value.url } }),
    await rig.api.call('PATCH', path, {
      headers: { ...owner, 'content-type': PATCH },
      body: patch,
    }),
  ];
  for (const answer of answers) {
    expect(problemOf(answer)).toMatchObject({ status: 403, code: 'LOCATION_FOR_SERVICES' });
  }
});

it('refuses changes of locations with PATCH where they are not switched on', async () => {
  await using rig = await httpRig();
  const { id } = await rig.api.createImage();
  const value = { url: 'vault://a', metadata: {} };
  const answer = await rig.api.call('PATCH', `/v2/images/${id}`, {
    headers: { 'content-type': PATCH },
    body: JSON.stringify([{ op: 'add', path: '/locations/-', value }]),
  });
  expect(problemOf(answer)).toMatchObject({ status: 403, code: 'PROPERTY_RESERVED' });
});
