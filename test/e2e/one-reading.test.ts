import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.js';
import { digestOf, randomFile } from '../support/images.js';
import { startServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';

const MIB = 1024 * 1024;
const SIZE = 64 * MIB;
/** Bytes beside the image: rows, the journal, requests. */
const BOOKKEEPING = 4 * MIB;
const ARCHIVE = path.resolve(import.meta.dirname, '../fixtures/acme-stowage-plugin');

/** Stores that can take no file as it is, each with the bytes that it is sent. */
const CONFIG = `
stores:
  - { id: linked, driver: filesystem, path: store/linked, default: true }
  - { id: one, driver: '${ARCHIVE}', directory: archive/one }
  - { id: two, driver: '${ARCHIVE}', directory: archive/two }
  - { id: three, driver: '${ARCHIVE}', directory: archive/three }
log: { level: error }
`;

interface Moved {
  readonly read: number;
  readonly written: number;
}

/** Bytes that the system calls of a process have moved, of files and sockets alike. */
async function moved(pid: number): Promise<Moved> {
  const io = await readFile(`/proc/${pid}/io`, 'utf8');
  const value = (name: string): number => Number(new RegExp(`${name}: (\\d+)`).exec(io)?.[1] ?? 0);
  return { read: value('rchar'), written: value('wchar') };
}

it('three stores cost one reading of the bytes, a store that links none', async () => {
  await using directory = await tempDir();
  const config = path.join(directory.path, 'stowage.yaml');
  await writeFile(config, CONFIG);
  const dataDir = path.join(directory.path, 'data');
  const server = await startServer({ dataDir, config });
  const api = new ApiClient(server.url);
  const file = await randomFile(path.join(directory.path, 'image'), SIZE);

  const cost = async (stores: readonly string[]): Promise<Moved> => {
    const { id } = await api.createImage();
    expect((await api.send(id, 'stage', file)).status).toBe(204);
    const before = await moved(server.pid);
    await api.import(id, { method: { name: 'glance-direct' }, stores });
    const { state, tasks } = await api.finished(id);
    const after = await moved(server.pid);
    expect([state, tasks.filter(({ store }) => store !== null).length]).toEqual([
      'succeeded',
      stores.length,
    ]);
    const image = await api.image(id);
    expect(String(image['stores']).split(',').toSorted()).toEqual([...stores].toSorted());
    expect(image.os_hash_value).toBe(await digestOf(file));
    return { read: after.read - before.read, written: after.written - before.written };
  };

  // The first import of a process also pays for what is loaded and compiled once.
  await cost(['linked']);
  const linked = await cost(['linked']);
  const single = await cost(['one']);
  const three = await cost(['one', 'two', 'three']);
  const all = await cost(['linked', 'one', 'two', 'three']);
  const mib = ({ read, written }: Moved) =>
    `${(read / MIB).toFixed(1)} MiB read, ${(written / MIB).toFixed(1)} MiB written`;
  console.log(
    `${SIZE / MIB} MiB into a store that links: ${mib(linked)}; one other: ${mib(single)}; ` +
      `three others: ${mib(three)}; all four: ${mib(all)}`,
  );
  expect(linked.read).toBeLessThan(BOOKKEEPING);
  expect(linked.written).toBeLessThan(BOOKKEEPING);
  for (const [one, stores] of [
    [single, 1],
    [three, 3],
    [all, 3],
  ] as const) {
    expect(one.read).toBeLessThan(SIZE + BOOKKEEPING);
    expect(one.written).toBeGreaterThanOrEqual(stores * SIZE);
  }
  expect(await server.stop()).toBe(0);
});
