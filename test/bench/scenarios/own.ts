import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import type { Endpoint } from '../endpoint.js';
import type { Scenario } from '../scenario.js';
import { inParallel, load } from './many.js';
import { withImage } from './transfers.js';

const DIRECT = { method: { name: 'glance-direct' } };
const TRANSFERS_AT_ONCE = 32;
/** Milliseconds without any request after which a server is idle. */
const REST_MS = 60_000;
const QCOW2 = { name: 'qcow2', diskFormat: 'qcow2', driver: 'qcow2', options: [] };

async function download(endpoint: Endpoint, file: string): Promise<number> {
  // Sent from memory, since the sender's own reading is not what is measured.
  const bytes = await readFile(file);
  const server = createServer((request, response) => {
    response.setHeader('content-length', bytes.length);
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/disk.raw`;
  try {
    return await withImage(endpoint, 'raw', (id) =>
      endpoint.importSeconds(id, { method: { name: 'web-download', uri } }),
    );
  } finally {
    server.close();
  }
}

/** The most that `figure` is while the work goes on. */
async function most(figure: () => Promise<number>, work: () => Promise<void>): Promise<number> {
  let highest = 0;
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      highest = Math.max(highest, await figure());
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  try {
    await work();
  } finally {
    over.abort();
    await watching;
  }
  return highest;
}

/** A staging area that is full answers an upload with 503. */
async function stagedWhenThereIsRoom(endpoint: Endpoint, id: string, file: string): Promise<void> {
  for (;;) {
    try {
      await endpoint.put(id, 'stage', file);
      return;
    } catch (error) {
      if (!String(error).includes('503')) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** What only this project has set itself, or what a peer would have to be set up for. */
export const OWN: readonly Scenario[] = [
  {
    name: 'import into three stores',
    setup: 'three-stores',
    unit: 's',
    isOwn: true,
    limitTarget: 1 / 1.15,
    measure: async (endpoint, { files, size }) => {
      const file = await files.raw(size);
      return withImage(endpoint, 'raw', async (id) => {
        await endpoint.put(id, 'stage', file);
        return endpoint.importSeconds(id, { ...DIRECT, all_stores: true });
      });
    },
    limit: async ({ limit, files, size }) => limit.copies(await files.raw(size), 3),
  },
  {
    name: 'web-download to active',
    setup: 'plain',
    unit: 's',
    isOwn: true,
    limitTarget: 0.8,
    measure: async (endpoint, { files, size }) => download(endpoint, await files.raw(size)),
    limit: async ({ limit, files, size }) => limit.upload(await files.raw(size), ['sha512', 'md5']),
  },
  {
    name: 'memory, idle',
    setup: 'plain',
    unit: 'MiB',
    isOwn: true,
    bound: 120,
    measure: async (endpoint) => {
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
      return endpoint.memory();
    },
  },
  {
    name: `memory, ${TRANSFERS_AT_ONCE} transfers at once`,
    setup: 'plain',
    unit: 'MiB',
    isOwn: true,
    bound: 300,
    measure: async (endpoint, { files, size }) => {
      const file = await files.raw(size / 8);
      return most(
        () => endpoint.memory(),
        () =>
          inParallel(TRANSFERS_AT_ONCE, TRANSFERS_AT_ONCE, () =>
            withImage(endpoint, 'raw', async (id) => {
              await endpoint.put(id, 'stage', file);
            }),
          ),
      );
    },
  },
  {
    name: 'staging of 4 GiB, most that twelve conversions take of it',
    setup: 'tight-staging',
    unit: 'MiB',
    isOwn: true,
    bound: 4 * 1024,
    measure: async (endpoint, { files, size }) => {
      const disk = await files.disk(QCOW2, size / 2);
      return most(
        () => endpoint.staged(),
        () =>
          inParallel(12, 6, () =>
            withImage(endpoint, 'qcow2', async (id) => {
              await stagedWhenThereIsRoom(endpoint, id, disk);
              await endpoint.importSeconds(id, DIRECT);
            }),
          ),
      );
    },
  },
  {
    name: 'GET images/{id} while conversions and uploads run, p99',
    setup: 'convert',
    unit: 'ms',
    isOwn: true,
    bound: 100,
    measure: async (endpoint, { files, size }) => {
      const disk = await files.disk(QCOW2, size);
      const over = new AbortController();
      const busy = inParallel(4, 4, async (index) => {
        while (!over.signal.aborted) {
          await withImage(endpoint, 'qcow2', async (id) => {
            await endpoint.put(id, 'stage', disk);
            if (index % 2 === 0) await endpoint.importSeconds(id, DIRECT);
          });
        }
      });
      const id = await endpoint.create();
      const { p99 } = await load(endpoint, `/v2/images/${id}`);
      over.abort();
      await busy;
      await endpoint.delete(id);
      return p99;
    },
  },
];
