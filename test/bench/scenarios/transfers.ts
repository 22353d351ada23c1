import type { Endpoint } from '../endpoint.js';
import type { Bench, Scenario } from '../scenario.js';

const DIRECT = { method: { name: 'glance-direct' } };
const GIB = 1024 ** 3;

/** Makes an image, does something with it, deletes it. */
export async function withImage<T>(
  endpoint: Endpoint,
  diskFormat: string,
  work: (id: string) => Promise<T>,
): Promise<T> {
  const id = await endpoint.create(diskFormat);
  const result = await work(id);
  await endpoint.delete(id);
  return result;
}

async function stageAndImport(endpoint: Endpoint, file: string): Promise<number> {
  return withImage(endpoint, 'raw', async (id) => {
    const staged = await endpoint.put(id, 'stage', file);
    return staged + (await endpoint.importSeconds(id, DIRECT));
  });
}

async function importOnly(endpoint: Endpoint, file: string): Promise<number> {
  return withImage(endpoint, 'raw', async (id) => {
    await endpoint.put(id, 'stage', file);
    return endpoint.importSeconds(id, DIRECT);
  });
}

async function cpuOf(endpoint: Endpoint, work: () => Promise<unknown>): Promise<number> {
  const before = await endpoint.cpuSeconds();
  await work();
  return (await endpoint.cpuSeconds()) - before;
}

function put(what: 'file' | 'stage', checksum: boolean): Scenario {
  const algorithms = checksum ? ['sha512', 'md5'] : ['sha512'];
  return {
    name: `PUT ${what}${checksum ? '' : ', checksum off'}`,
    setup: checksum ? 'plain' : 'no-checksum',
    unit: 's',
    peerTarget: checksum ? 1.7 : 2.3,
    limitTarget: 0.8,
    measure: async (endpoint, { files, size }) => {
      const file = await files.raw(size);
      return withImage(endpoint, 'raw', (id) => endpoint.put(id, what, file));
    },
    limit: async ({ limit, files, size }) => limit.upload(await files.raw(size), algorithms),
  };
}

/** Large images in and out, without conversion. */
export const TRANSFERS: readonly Scenario[] = [
  put('file', true),
  put('stage', true),
  put('file', false),
  put('stage', false),
  {
    name: 'POST import to active',
    setup: 'plain',
    unit: 's',
    peerTarget: 50,
    measure: async (endpoint, { files, size }) => importOnly(endpoint, await files.raw(size)),
  },
  {
    name: 'POST import to active, ten times the size',
    setup: 'plain',
    unit: 's',
    isOwn: true,
    measure: async (endpoint, { files, size }) => importOnly(endpoint, await files.raw(10 * size)),
  },
  {
    name: 'stage and import',
    setup: 'plain',
    unit: 's',
    peerTarget: 4,
    measure: async (endpoint, { files, size }) => stageAndImport(endpoint, await files.raw(size)),
  },
  {
    name: 'GET file',
    setup: 'plain',
    unit: 's',
    peerTarget: 1.2,
    measure: async (endpoint, { files, size }) => {
      const file = await files.raw(size);
      return withImage(endpoint, 'raw', async (id) => {
        await endpoint.put(id, 'file', file);
        return endpoint.download(id);
      });
    },
  },
  {
    name: 'server CPU of PUT file, per GiB',
    setup: 'plain',
    unit: 'cpu-s',
    peerTarget: 1 / 0.95,
    measure: (endpoint, bench) => cpuPerGib(endpoint, bench, uploadOnce),
  },
  {
    name: 'server CPU of stage and import, per GiB',
    setup: 'plain',
    unit: 'cpu-s',
    peerTarget: 1 / 0.45,
    measure: (endpoint, bench) => cpuPerGib(endpoint, bench, stageAndImport),
  },
];

async function uploadOnce(endpoint: Endpoint, file: string): Promise<number> {
  return withImage(endpoint, 'raw', (id) => endpoint.put(id, 'file', file));
}

async function cpuPerGib(
  endpoint: Endpoint,
  { files, size }: Bench,
  work: (endpoint: Endpoint, file: string) => Promise<unknown>,
): Promise<number> {
  const file = await files.raw(size);
  return ((await cpuOf(endpoint, () => work(endpoint, file))) * GIB) / size;
}
