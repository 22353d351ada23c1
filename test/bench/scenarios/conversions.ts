import type { DiskKind, Scenario } from '../scenario.js';
import { withImage } from './transfers.js';

const DIRECT = { method: { name: 'glance-direct' } };
const ALGORITHMS = ['sha512', 'md5'];

const QCOW2: DiskKind = { name: 'qcow2', diskFormat: 'qcow2', driver: 'qcow2', options: [] };
const KINDS: readonly DiskKind[] = [
  QCOW2,
  { ...QCOW2, name: 'compressed qcow2', options: ['-c'] },
  {
    name: 'vmdk streamOptimized',
    diskFormat: 'vmdk',
    driver: 'vmdk',
    options: ['-o', 'subformat=streamOptimized'],
  },
  { name: 'vhdx', diskFormat: 'vhdx', driver: 'vhdx', options: [] },
  { name: 'vdi', diskFormat: 'vdi', driver: 'vdi', options: [] },
  { ...QCOW2, name: 'qcow2 in a disk of 100 GiB', virtualSize: 100 * 1024 ** 3 },
];

/** From `POST …/import` of a staged disk to an active raw image. */
export const CONVERSIONS: readonly Scenario[] = KINDS.map((kind) => ({
  name: `import with conversion, ${kind.name} to raw`,
  setup: 'convert',
  unit: 's',
  ...(kind === QCOW2 ? { peerTarget: 3.5 } : { isOwn: true }),
  ...(kind.virtualSize === undefined ? {} : { isLong: true }),
  limitTarget: 1 / 1.15,
  measure: async (endpoint, { files, size }) => {
    const file = await files.disk(kind, size);
    return withImage(endpoint, kind.diskFormat, async (id) => {
      await endpoint.put(id, 'stage', file);
      const taken = await endpoint.importSeconds(id, DIRECT);
      const { disk_format: found } = await endpoint.show(id);
      if (found !== 'raw') throw new Error(`${endpoint.name} has made "${String(found)}"`);
      return taken;
    });
  },
  limit: async ({ limit, files, size }) =>
    limit.convert(await files.disk(kind, size), kind.driver, ALGORITHMS),
}));
