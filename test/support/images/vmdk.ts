import { Writer, type LengthField, type Patch } from './writer.js';

const SECTOR = 512;
const HEADER_SECTORS = 128;
const STREAM_SECTORS = HEADER_SECTORS + 3;

export const VMDK_LENGTH_FIELDS: readonly LengthField[] = [
  { name: 'capacity', at: 12, type: 'u64le' },
  { name: 'grain size', at: 20, type: 'u64le' },
  { name: 'descriptor offset', at: 28, type: 'u64le' },
  { name: 'descriptor size', at: 36, type: 'u64le' },
  { name: 'grain table entries', at: 44, type: 'u32le' },
  { name: 'redundant directory offset', at: 48, type: 'u64le' },
  { name: 'directory offset', at: 56, type: 'u64le' },
  { name: 'overhead', at: 64, type: 'u64le' },
];

export type DescriptorOptions = {
  readonly createType?: string;
  readonly parentCid?: string;
  readonly extents?: readonly string[];
  readonly lines?: readonly string[];
};

/** The text of a VMDK descriptor. */
export function vmdkDescriptor({
  createType = 'monolithicFlat',
  parentCid = 'ffffffff',
  extents = ['RW 2048 FLAT "disk-flat.vmdk" 0'],
  lines = [],
}: DescriptorOptions = {}): string {
  return [
    '# Disk DescriptorFile',
    'version=1',
    'CID=0badcafe',
    `parentCID=${parentCid}`,
    `createType="${createType}"`,
    ...lines,
    '# Extent description',
    ...extents,
    '# The Disk Data Base',
    'ddb.virtualHWVersion = "8"',
    'ddb.adapterType = "lsilogic"',
    '',
  ].join('\n');
}

export type SparseOptions = { readonly descriptor?: string; readonly patch?: Patch };

/** An empty monolithicSparse disk of 1 MiB. */
export function vmdkSparse({
  descriptor = vmdkDescriptor({
    createType: 'monolithicSparse',
    extents: ['RW 2048 SPARSE "disk.vmdk"'],
  }),
  patch,
}: SparseOptions = {}): Uint8Array {
  return header(new Writer(HEADER_SECTORS * SECTOR), 0)
    .text(SECTOR, descriptor)
    .apply(patch).bytes;
}

/** An empty streamOptimized disk of 1 MiB with its footer. `patch` changes the header alone. */
export function vmdkStream({
  descriptor = vmdkDescriptor({
    createType: 'streamOptimized',
    extents: ['RDONLY 2048 SPARSE "disk.vmdk"'],
  }),
  patch,
}: SparseOptions = {}): Uint8Array {
  const writer = new Writer(STREAM_SECTORS * SECTOR);
  const [marker, footer] = [HEADER_SECTORS * SECTOR, (HEADER_SECTORS + 1) * SECTOR];
  for (const at of [0, footer])
    header(writer, at)
      .u32le(at + 8, 0x30001)
      .u16le(at + 77, 1);
  return writer
    .u64le(56, 0xffffffffffffffffn)
    .text(SECTOR, descriptor)
    .u64le(marker, 1)
    .u32le(marker + 12, 3)
    .apply(patch).bytes;
}

function header(writer: Writer, at: number): Writer {
  return writer
    .text(at, 'KDMV')
    .u32le(at + 4, 1)
    .u32le(at + 8, 1)
    .u64le(at + 12, 2048)
    .u64le(at + 20, 128)
    .u64le(at + 28, 1)
    .u64le(at + 36, 20)
    .u32le(at + 44, 512)
    .u64le(at + 56, 21)
    .u64le(at + 64, HEADER_SECTORS)
    .text(at + 73, '\n \r\n');
}
