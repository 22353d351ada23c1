// The parts of the NBD protocol that a reader needs: fixed newstyle negotiation and structured replies.
// https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md

const SERVER_MAGIC = 0x4e42444d41474943n;
const OPTION_MAGIC = 0x49484156454f5054n;
const OPTION_REPLY_MAGIC = 0x3e889045565a9n;
const REQUEST_MAGIC = 0x25609513;
const CHUNK_MAGIC = 0x668e33ef;

/** "Fixed newstyle" and "no zeroes", both in the server's and in the client's flags. */
const NEWSTYLE = 0b11;

export const GREETING_LENGTH = 18;
export const OPTION_REPLY_LENGTH = 20;
export const CHUNK_HEADER_LENGTH = 20;
/** Of a hole: where it begins, and its bytes. */
export const HOLE_LENGTH = 12;

export const OPTION = { go: 7, structuredReply: 8 } as const;
export const OPTION_REPLY = { ack: 1, info: 3 } as const;
export const CHUNK = { none: 0, data: 1, hole: 2 } as const;

const COMMAND = { read: 0, disconnect: 2 } as const;

/** Set in the types of replies and chunks that tell of an error. */
const OPTION_ERROR = 0x8000_0000;
const CHUNK_ERROR = 0x8000;
/** Set in the last chunk of a reply. */
const DONE = 1;

/** Bytes that an export has, in the answer to {@link OPTION.go}. */
const INFO_EXPORT = 0;

export interface OptionReply {
  readonly option: number;
  readonly type: number;
  readonly isError: boolean;
  readonly length: number;
}

export interface ChunkHeader {
  readonly type: number;
  readonly isError: boolean;
  readonly isLast: boolean;
  readonly cookie: bigint;
  readonly length: number;
}

/** What the other side says is not the protocol. */
export class ProtocolViolation extends Error {}

export function checkGreeting(greeting: Buffer): void {
  const isServer = greeting.readBigUInt64BE(0) === SERVER_MAGIC;
  const isNewstyle = greeting.readBigUInt64BE(8) === OPTION_MAGIC;
  if (isServer && isNewstyle && (greeting.readUInt16BE(16) & NEWSTYLE) === NEWSTYLE) return;
  throw new ProtocolViolation('the greeting is not that of a fixed newstyle server');
}

export function clientFlags(): Buffer {
  const flags = Buffer.alloc(4);
  flags.writeUInt32BE(NEWSTYLE);
  return flags;
}

export function optionRequest(option: number, data: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.writeBigUInt64BE(OPTION_MAGIC, 0);
  header.writeUInt32BE(option, 8);
  header.writeUInt32BE(data.length, 12);
  return Buffer.concat([header, data]);
}

/** The data of {@link OPTION.go} for the export without a name. */
export function goData(): Buffer {
  // Length of the name, then the number of facts that are asked for: the size comes anyway.
  return Buffer.alloc(4 + 2);
}

export function optionReply(bytes: Buffer): OptionReply {
  if (bytes.readBigUInt64BE(0) !== OPTION_REPLY_MAGIC) {
    throw new ProtocolViolation('an answer to an option has no magic number');
  }
  const type = bytes.readUInt32BE(12);
  return {
    option: bytes.readUInt32BE(8),
    type,
    isError: type >= OPTION_ERROR,
    length: bytes.readUInt32BE(16),
  };
}

/** The size in one fact about the export; `undefined` where it is another fact. */
export function exportSize(info: Buffer): number | undefined {
  if (info.length < 12 || info.readUInt16BE(0) !== INFO_EXPORT) return undefined;
  const size = Number(info.readBigUInt64BE(2));
  if (Number.isSafeInteger(size)) return size;
  throw new ProtocolViolation(`an export of ${size} bytes is too large`);
}

export function readRequest(cookie: bigint, offset: number, length: number): Buffer {
  return request(COMMAND.read, cookie, offset, length);
}

export function disconnectRequest(): Buffer {
  return request(COMMAND.disconnect, 0n, 0, 0);
}

export function chunkHeader(bytes: Buffer): ChunkHeader {
  if (bytes.readUInt32BE(0) !== CHUNK_MAGIC) {
    throw new ProtocolViolation('an answer to a read has no magic number');
  }
  const type = bytes.readUInt16BE(6);
  return {
    type,
    isError: (type & CHUNK_ERROR) !== 0,
    isLast: (bytes.readUInt16BE(4) & DONE) !== 0,
    cookie: bytes.readBigUInt64BE(8),
    length: bytes.readUInt32BE(16),
  };
}

function request(type: number, cookie: bigint, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt32BE(REQUEST_MAGIC, 0);
  bytes.writeUInt16BE(type, 6);
  bytes.writeBigUInt64BE(cookie, 8);
  bytes.writeBigUInt64BE(BigInt(offset), 16);
  bytes.writeUInt32BE(length, 24);
  return bytes;
}
