import { Writer, type LengthField, type Patch } from './writer.js';

const MIB = 1024 * 1024;

export const VDI_LENGTH_FIELDS: readonly LengthField[] = [
  { name: 'header length', at: 72, type: 'u32le' },
  { name: 'block map offset', at: 340, type: 'u32le' },
  { name: 'data offset', at: 344, type: 'u32le' },
  { name: 'sector size', at: 360, type: 'u32le' },
  { name: 'disk size', at: 368, type: 'u64le' },
  { name: 'block size', at: 376, type: 'u32le' },
  { name: 'blocks', at: 384, type: 'u32le' },
  { name: 'blocks allocated', at: 388, type: 'u32le' },
];

/** An empty dynamic VDI of 4 MiB. */
export function vdiImage(patch?: Patch): Uint8Array {
  return new Writer(1024)
    .text(0, '<<< Oracle VM VirtualBox Disk Image >>>\n')
    .u32le(64, 0xbeda107f)
    .u32le(68, 0x00010001)
    .u32le(72, 400)
    .u32le(76, 1)
    .u32le(340, 512)
    .u32le(344, 1024)
    .u32le(360, 512)
    .u64le(368, 4 * MIB)
    .u32le(376, MIB)
    .u32le(384, 4)
    .apply(patch).bytes;
}
