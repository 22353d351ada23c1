import { crc16 } from '../../../core/format/checksum.js';
import { isoImage } from './iso9660.js';
import { Writer, type LengthField, type Patch } from './writer.js';

const RECOGNITION_AT = 32768;
const STRUCTURE = 2048;

export type UdfOptions = {
  readonly sectorSize?: 512 | 2048;
  /** ISO 9660 descriptors stand before those of UDF. */
  readonly bridge?: boolean;
  /** Changes made before the checksums. */
  readonly patch?: Patch;
};

/** Sectors of the made volume. */
export const UDF_SECTORS = 300;

/** Offsets in a volume with sectors of 2048 bytes. */
export const UDF_AT = { main: 32 * 2048, anchor: 256 * 2048, last: 299 * 2048 } as const;

export const UDF_LENGTH_FIELDS: readonly LengthField[] = [
  { name: 'length of the main descriptors', at: UDF_AT.anchor + 16, type: 'u32le' },
  { name: 'sector of the main descriptors', at: UDF_AT.anchor + 20, type: 'u32le' },
  { name: 'length of the reserve descriptors', at: UDF_AT.anchor + 24, type: 'u32le' },
  { name: 'sector of the reserve descriptors', at: UDF_AT.anchor + 28, type: 'u32le' },
  { name: 'start of the partition', at: UDF_AT.main + 2048 + 188, type: 'u32le' },
  { name: 'length of the partition', at: UDF_AT.main + 2048 + 192, type: 'u32le' },
  { name: 'bytes under the CRC', at: UDF_AT.main + 10, type: 'u16le' },
];

/** A volume of UDF 1.02 named "STOWAGE" with one partition, an anchor at sector 256 and a last one. */
export function udfImage({
  sectorSize = 2048,
  bridge = false,
  patch,
}: UdfOptions = {}): Uint8Array {
  const writer = new Writer(UDF_SECTORS * sectorSize);
  if (bridge) writer.set(0, isoImage().subarray(0, RECOGNITION_AT + 4 * STRUCTURE));
  const structures = ['BEA01', 'NSR02', 'TEA01'];
  structures.forEach((name, index) => {
    writer.text(RECOGNITION_AT + ((bridge ? 4 : 0) + index) * STRUCTURE + 1, name);
  });
  // Behind the recognition sequence, whatever the sector.
  const main = (32 * 2048) / sectorSize;
  const reserve = main + 16;
  for (const first of [main, reserve]) {
    const [primary, partition, logical, end] = [first, first + 1, first + 2, first + 3].map(
      (sector) => sector * sectorSize,
    ) as [number, number, number, number];
    writer.text(primary + 24, '\x08STOWAGE').u8(primary + 55, 8);
    writer.u32le(partition + 188, 270).u32le(partition + 192, UDF_SECTORS - 270);
    writer.text(logical + 84, '\x08STOWAGE').u8(logical + 211, 8);
    writer.u32le(logical + 212, sectorSize).u16le(logical + 240, 0x0102);
    [1, 5, 6, 8].forEach((tag, index) => {
      writer.u16le([primary, partition, logical, end][index] ?? 0, tag);
    });
  }
  for (const sector of [256, UDF_SECTORS - 1]) {
    const at = sector * sectorSize;
    writer.u16le(at, 2);
    [main, reserve].forEach((first, index) => {
      writer.u32le(at + 16 + index * 8, 16 * sectorSize).u32le(at + 20 + index * 8, first);
    });
  }
  const places = [main, reserve].flatMap((first) => [first, first + 1, first + 2, first + 3]);
  for (const sector of [...places, 256, UDF_SECTORS - 1]) {
    writer.u16le(sector * sectorSize + 2, 2).u16le(sector * sectorSize + 10, 496);
  }
  writer.apply(patch);
  for (const sector of [...places, 256, UDF_SECTORS - 1]) seal(writer, sector, sectorSize);
  return writer.bytes;
}

function seal(writer: Writer, sector: number, sectorSize: number): void {
  const at = sector * sectorSize;
  const covered = Buffer.from(writer.bytes.buffer).readUInt16LE(at + 10);
  writer.u16le(at + 8, crc16(writer.bytes.subarray(at + 16, at + 16 + covered)));
  writer.u32le(at + 12, sector).u8(at + 4, 0);
  const sum = writer.bytes.subarray(at, at + 16).reduce((total, byte) => total + byte, 0);
  writer.u8(at + 4, sum & 0xff);
}
