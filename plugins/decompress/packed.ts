import { crc32 } from 'node:zlib';
import type { Readable } from 'node:stream';
import { BugError } from '../../core/api.js';
import type { Inspection, TaskContext } from '../../core/api.js';
import { damaged } from './ceiling.js';
import type { Promised } from './ceiling.js';
import { isCompression } from './compressions.js';
import type { CompressionName } from './compressions.js';
import { firstBytes, joined, toStream } from './streams.js';

/** Where the bytes of the disk are and how they are packed, as far as the container says. */
export interface Packed extends Promised {
  /** Containers outermost first, as far as they are known before anything is unpacked. */
  readonly layers: readonly string[];
  /** How {@link open}'s bytes are compressed. */
  readonly compression: CompressionName | undefined;
  open(): Readable;
}

/** A gzip header without a name or a time: RFC 1952, 2.3. */
const GZIP_HEADER = Buffer.from('1f8b0800000000000003', 'hex');

/** Finds the one disk in the data of a task. The inspection has judged that it can be found. */
export function packedDisk(context: TaskContext, inspection: Inspection): Packed {
  const { format } = inspection;
  if (format === 'zip') return zipMember(context, inspection);
  if (format === 'ova') return ovaDisk(context, inspection);
  return {
    layers: [format],
    compression: isCompression(format) ? format : undefined,
    open: () => context.openData(),
  };
}

/**
 * Deflate is what gzip holds: with a header before it and the member's checksum and size behind it,
 * the member is a gzip file, whose program checks both.
 */
function zipMember(context: TaskContext, { metadata }: Inspection): Packed {
  const [offset, packedSize, size] = [
    number(metadata['member_offset']),
    number(metadata['member_packed_size']),
    number(metadata['member_size']),
  ];
  const { member_crc32: told } = metadata;
  const sum = typeof told === 'string' ? Number.parseInt(told, 16) : NaN;
  const data = () => firstBytes(context.openData(offset), packedSize);
  if (metadata['member_method'] === 'stored') {
    const open = () => toStream(withChecksum(data(), sum));
    return { layers: ['zip'], compression: undefined, size, open };
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(sum, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  const open = () => toStream(joined([GZIP_HEADER], data(), [trailer]));
  return { layers: ['zip'], compression: 'gz', size, open };
}

function ovaDisk(context: TaskContext, { metadata }: Inspection): Packed {
  const [offset, size] = [number(metadata['disk_offset']), number(metadata['disk_size'])];
  const open = () => toStream(firstBytes(context.openData(offset), size));
  return metadata['disk_compression'] === 'gzip'
    ? { layers: ['ova', 'gz'], compression: 'gz', open }
    : { layers: ['ova'], compression: undefined, size, open };
}

async function* withChecksum(bytes: AsyncIterable<Buffer>, told: number): AsyncGenerator<Buffer> {
  let sum = 0;
  for await (const chunk of bytes) {
    sum = crc32(chunk, sum);
    yield chunk;
  }
  if (sum !== told) throw damaged('the checksum of its member does not match');
}

function number(value: unknown): number {
  if (typeof value === 'number') return value;
  throw new BugError({
    code: 'INSPECTION_INCOMPLETE',
    message: 'The inspection of a container does not say where its member is',
  });
}
