import { KeystoneService } from './keystone.js';

const REGION = 'RegionOne';

/** A Keystone with the service user `stowage`, and itself in the catalogue, as clients of a cloud expect it. */
export async function startCloud(): Promise<KeystoneService> {
  const keystone = await KeystoneService.start({ tokenLife: 86_400 });
  const service = await keystone.project('service');
  const server = await keystone.user('stowage');
  await keystone.grant('service', server, { project: service });
  await publish(keystone, 'identity', keystone.url);
  return keystone;
}

/** Puts a service into the catalogue. */
export async function publish(keystone: KeystoneService, type: string, url: string): Promise<void> {
  const regions = (await keystone.call('GET', '/regions')).body as { regions: { id: string }[] };
  if (!regions.regions.some(({ id }) => id === REGION)) {
    await keystone.call('POST', '/regions', { region: { id: REGION } });
  }
  const { body } = await keystone.call('POST', '/services', { service: { type, name: type } });
  const { id: service_id } = (body as { service: { id: string } }).service;
  for (const interface_ of ['public', 'internal', 'admin']) {
    const endpoint = { interface: interface_, url, region_id: REGION, service_id };
    await keystone.call('POST', '/endpoints', { endpoint });
  }
}
