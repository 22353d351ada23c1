import { crc32, deflateRawSync } from 'node:zlib';
import { Writer, type LengthField, type Patch } from './writer.js';

const CONTENT = Buffer.from('a disk '.repeat(300));
const NAME = 'disk.raw';

export interface ZipOptions {
  readonly name?: string;
  /** Of the local header, where it is another. */
  readonly localName?: string;
  readonly content?: Uint8Array;
  readonly stored?: boolean;
  /** File type and permissions of Unix. */
  readonly mode?: number;
  readonly flags?: number;
  readonly method?: number;
  /** Bytes between the data and the directory. */
  readonly gap?: Uint8Array;
  /** Members of the directory; all are the one. */
  readonly entries?: number;
  readonly comment?: string;
  readonly patch?: Patch | undefined;
}

/** An archive of one member: local header, data, directory, end record. */
export function zipArchive(options: ZipOptions = {}): Uint8Array {
  const { name = NAME, content = CONTENT, stored = false, flags = 0, entries = 1 } = options;
  const { localName = name, mode = 0, gap = new Uint8Array(0), comment = '' } = options;
  const method = options.method ?? (stored ? 0 : 8);
  const data = stored ? content : deflateRawSync(content);
  const dataAt = 30 + localName.length;
  const directoryAt = dataAt + data.length + gap.length;
  const entryLength = 46 + name.length;
  const endAt = directoryAt + entryLength * entries;
  const writer = new Writer(endAt + 22 + comment.length);
  const sum = crc32(content);
  writer.text(0, 'PK\x03\x04').u16le(4, 20).u16le(6, flags).u16le(8, method);
  writer.u32le(14, sum).u32le(18, data.length).u32le(22, content.length);
  writer.u16le(26, localName.length).text(30, localName).set(dataAt, data);
  writer.set(dataAt + data.length, gap);
  for (let index = 0; index < entries; index += 1) {
    const at = directoryAt + index * entryLength;
    writer
      .text(at, 'PK\x01\x02')
      .u16le(at + 4, (3 << 8) | 20)
      .u16le(at + 6, 20);
    writer
      .u16le(at + 8, flags)
      .u16le(at + 10, method)
      .u32le(at + 16, sum);
    writer.u32le(at + 20, data.length).u32le(at + 24, content.length);
    writer
      .u16le(at + 28, name.length)
      .u32le(at + 38, (mode << 16) >>> 0)
      .text(at + 46, name);
  }
  writer
    .text(endAt, 'PK\x05\x06')
    .u16le(endAt + 8, entries)
    .u16le(endAt + 10, entries);
  writer.u32le(endAt + 12, entryLength * entries).u32le(endAt + 16, directoryAt);
  writer.u16le(endAt + 20, comment.length).text(endAt + 22, comment);
  return writer.apply(options.patch).bytes;
}

const DIRECTORY_AT = 30 + NAME.length + deflateRawSync(CONTENT).length;
const END_AT = DIRECTORY_AT + 46 + NAME.length;

export const ZIP_LENGTH_FIELDS: readonly LengthField[] = [
  { name: 'local packed size', at: 18, type: 'u32le' },
  { name: 'local size', at: 22, type: 'u32le' },
  { name: 'local name length', at: 26, type: 'u16le' },
  { name: 'local extra length', at: 28, type: 'u16le' },
  { name: 'packed size', at: DIRECTORY_AT + 20, type: 'u32le' },
  { name: 'size', at: DIRECTORY_AT + 24, type: 'u32le' },
  { name: 'name length', at: DIRECTORY_AT + 28, type: 'u16le' },
  { name: 'extra length', at: DIRECTORY_AT + 30, type: 'u16le' },
  { name: 'comment length', at: DIRECTORY_AT + 32, type: 'u16le' },
  { name: 'local offset', at: DIRECTORY_AT + 42, type: 'u32le' },
  { name: 'entries', at: END_AT + 10, type: 'u16le' },
  { name: 'directory length', at: END_AT + 12, type: 'u32le' },
  { name: 'directory offset', at: END_AT + 16, type: 'u32le' },
];
