import { crc32c } from '../../../core/format/checksum.js';
import { Writer, type LengthField, type Patch } from './writer.js';

const KIB = 1024;
const MIB = KIB * KIB;
const METADATA_AT = 2 * MIB;
const ITEMS_AT = 64 * KIB;
const HEADERS = [64 * KIB, 128 * KIB];
const REGIONS = [192 * KIB, 256 * KIB];

export const VHDX_LENGTH_FIELDS: readonly LengthField[] = [
  { name: 'log GUID', at: 64 * KIB + 48, type: 'u64le' },
  { name: 'sequence number', at: 64 * KIB + 8, type: 'u64le' },
  { name: 'log length', at: 64 * KIB + 68, type: 'u32le' },
  { name: 'log offset', at: 64 * KIB + 72, type: 'u64le' },
  { name: 'region count', at: 192 * KIB + 8, type: 'u32le' },
  { name: 'BAT offset', at: 192 * KIB + 32, type: 'u64le' },
  { name: 'BAT length', at: 192 * KIB + 40, type: 'u32le' },
  { name: 'metadata offset', at: 192 * KIB + 64, type: 'u64le' },
  { name: 'metadata length', at: 192 * KIB + 72, type: 'u32le' },
  { name: 'metadata entry count', at: METADATA_AT + 10, type: 'u16le' },
  { name: 'item offset', at: METADATA_AT + 32 + 16, type: 'u32le' },
  { name: 'block size', at: METADATA_AT + ITEMS_AT, type: 'u32le' },
  { name: 'virtual size', at: METADATA_AT + ITEMS_AT + 8, type: 'u64le' },
  { name: 'sector size', at: METADATA_AT + ITEMS_AT + 16, type: 'u32le' },
];

/** Offset of an item's value: they stand in this order. */
export const VHDX_ITEMS = {
  parameters: METADATA_AT + ITEMS_AT,
  virtualSize: METADATA_AT + ITEMS_AT + 8,
  sectorSize: METADATA_AT + ITEMS_AT + 16,
} as const;

/** An empty dynamic VHDX of 4 MiB; the checksums are written after `patch`. */
export function vhdxImage(patch?: Patch): Uint8Array {
  const writer = new Writer(4 * MIB).text(0, 'vhdxfile').text(8, 'S\0t\0o\0w\0');
  HEADERS.forEach((at, index) => {
    writer
      .text(at, 'head')
      .u64le(at + 8, 2 - index)
      .u16le(at + 66, 1);
    writer.u32le(at + 68, MIB).u64le(at + 72, MIB);
  });
  for (const at of REGIONS) {
    writer.text(at, 'regi').u32le(at + 8, 2);
    region(writer, at + 16, '2dc27766-f623-4200-9d64-115e9bfd4a08', 3 * MIB);
    region(writer, at + 48, '8b7ca206-4790-4b9a-b8fe-575f050f886e', METADATA_AT);
  }
  metadata(writer);
  writer.apply(patch);
  for (const at of HEADERS) seal(writer, at, 4096);
  for (const at of REGIONS) seal(writer, at, 64 * KIB);
  return writer.bytes;
}

function region(writer: Writer, at: number, guid: string, offset: number): void {
  writer
    .guid(at, guid)
    .u64le(at + 16, offset)
    .u32le(at + 24, MIB)
    .u32le(at + 28, 1);
}

function metadata(writer: Writer): void {
  writer.text(METADATA_AT, 'metadata').u16le(METADATA_AT + 10, 3);
  const items = [
    ['caa16737-fa36-4d43-b3b6-33f0aa44e76b', 0, 8],
    ['2fa54224-cd1b-4876-b211-5dbed83bf4b8', 8, 8],
    ['8141bf1d-a96f-4709-ba47-f233a8faab5f', 16, 4],
  ] as const;
  items.forEach(([guid, offset, length], index) => {
    const at = METADATA_AT + 32 + index * 32;
    writer
      .guid(at, guid)
      .u32le(at + 16, ITEMS_AT + offset)
      .u32le(at + 20, length)
      .u32le(at + 24, 4);
  });
  writer
    .u32le(VHDX_ITEMS.parameters, MIB)
    .u64le(VHDX_ITEMS.virtualSize, 4 * MIB)
    .u32le(VHDX_ITEMS.sectorSize, 512);
}

function seal(writer: Writer, at: number, length: number): void {
  writer.u32le(at + 4, 0).u32le(at + 4, crc32c(writer.bytes.subarray(at, at + length)));
}
