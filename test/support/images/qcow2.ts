import { Writer, type LengthField, type Patch } from './writer.js';

export const QCOW2_LENGTH_FIELDS: readonly LengthField[] = [
  { name: 'backing file offset', at: 8, type: 'u64be' },
  { name: 'backing file length', at: 16, type: 'u32be' },
  { name: 'cluster bits', at: 20, type: 'u32be' },
  { name: 'virtual size', at: 24, type: 'u64be' },
  { name: 'L1 entries', at: 36, type: 'u32be' },
  { name: 'L1 offset', at: 40, type: 'u64be' },
  { name: 'refcount table offset', at: 48, type: 'u64be' },
  { name: 'refcount table clusters', at: 56, type: 'u32be' },
  { name: 'snapshot count', at: 60, type: 'u32be' },
  { name: 'snapshot offset', at: 64, type: 'u64be' },
  { name: 'refcount order', at: 96, type: 'u32be' },
  { name: 'header length', at: 100, type: 'u32be' },
  { name: 'header extension length', at: 116, type: 'u32be' },
];

export type Qcow2Options = {
  readonly version?: 2 | 3;
  readonly virtualSize?: number;
  readonly extensions?: readonly (readonly [type: number, data: string])[];
  readonly patch?: Patch;
};

/** An empty qcow2 with clusters of 4 KiB: header, refcount table, refcount block, L1 table. */
export function qcow2Image({
  version = 3,
  virtualSize = 1024 * 1024,
  extensions = [],
  patch,
}: Qcow2Options = {}): Uint8Array {
  const clusterBits = 12;
  const writer = new Writer(4 << clusterBits)
    .text(0, 'QFI\xfb')
    .u32be(4, version)
    .u32be(20, clusterBits)
    .u64be(24, virtualSize)
    .u32be(36, Math.ceil(virtualSize / (512 << clusterBits)))
    .u64be(40, 3 << clusterBits)
    .u64be(48, 1 << clusterBits)
    .u32be(56, 1);
  if (version === 3) writer.u32be(96, 4).u32be(100, 112);
  let at = version === 3 ? 112 : 72;
  for (const [type, data] of extensions) {
    writer
      .u32be(at, type)
      .u32be(at + 4, data.length)
      .text(at + 8, data);
    at += 8 + Math.ceil(data.length / 8) * 8;
  }
  return writer.apply(patch).bytes;
}

/** Names a backing file in the header. */
export function withBackingFile(name: string): Patch {
  return (writer) => {
    writer.u64be(8, 1024).u32be(16, name.length).text(1024, name);
  };
}
