import type { Socket } from 'node:net';
import { PermanentError } from '../../base/errors.js';
import {
  CHUNK,
  CHUNK_HEADER_LENGTH,
  GREETING_LENGTH,
  OPTION,
  OPTION_REPLY,
  OPTION_REPLY_LENGTH,
  ProtocolViolation,
  checkGreeting,
  chunkHeader,
  clientFlags,
  disconnectRequest,
  exportSize,
  goData,
  optionReply,
  optionRequest,
  readRequest,
} from './protocol.js';
import type { ChunkHeader, OptionReply } from './protocol.js';
import { SocketReader } from './socket-reader.js';

/** Bytes that one read asks for, and reads that are under way at once. */
const READ_LENGTH = 1024 * 1024;
const READS_AT_ONCE = 4;

/** Bytes of a fact or an error text that are believed. */
const MAX_TEXT = 4096;

/** Facts about an export that are kept; the protocol has four. */
const MAX_FACTS = 16;

const ZEROS = Buffer.alloc(READ_LENGTH);

interface Read {
  readonly offset: number;
  readonly length: number;
  /** Made when the first data of it comes; a read without any is zeros. */
  bytes: Buffer | undefined;
  isDone: boolean;
}

/** A disk that an NBD server exports, read once from its first to its last byte. */
export class NbdDisk {
  private constructor(
    private readonly socket: Socket,
    private readonly reader: SocketReader,
    /** Bytes. */
    readonly size: number,
  ) {}

  /**
   * Negotiates over a fresh connection for the one export without a name. The caller closes the
   * socket.
   * @throws {ProtocolViolation}
   */
  static async open(socket: Socket): Promise<NbdDisk> {
    const reader = new SocketReader(socket);
    checkGreeting(await reader.read(GREETING_LENGTH));
    socket.write(clientFlags());
    socket.write(optionRequest(OPTION.structuredReply, Buffer.alloc(0)));
    await factsOf(reader, OPTION.structuredReply);
    socket.write(optionRequest(OPTION.go, goData()));
    const size = (await factsOf(reader, OPTION.go))
      .map(exportSize)
      .find((told) => told !== undefined);
    if (size === undefined) throw new ProtocolViolation('the size of the export was not told');
    return new NbdDisk(socket, reader, size);
  }

  /**
   * All bytes in order, in pieces of up to 1 MiB; long runs of zeros cost no reading.
   * @throws {PermanentError} `DISK_UNREADABLE` where the server cannot read it
   * @throws {ProtocolViolation}
   */
  async *bytes(): AsyncGenerator<Buffer, void, undefined> {
    const underWay = new Map<bigint, Read>();
    let asked = 0;
    let cookie = 0n;
    let given = 0;
    while (given < this.size) {
      while (asked < this.size && underWay.size < READS_AT_ONCE) {
        const length = Math.min(READ_LENGTH, this.size - asked);
        underWay.set(cookie, { offset: asked, length, bytes: undefined, isDone: false });
        this.socket.write(readRequest(cookie, asked, length));
        asked += length;
        cookie += 1n;
      }
      const [first] = underWay;
      if (first === undefined) return;
      const [key, read] = first;
      while (!read.isDone) await this.#takeChunk(underWay);
      underWay.delete(key);
      given += read.length;
      yield read.bytes ?? ZEROS.subarray(0, read.length);
    }
    this.socket.end(disconnectRequest());
  }

  async #takeChunk(underWay: ReadonlyMap<bigint, Read>): Promise<void> {
    const header = chunkHeader(await this.reader.read(CHUNK_HEADER_LENGTH));
    const read = underWay.get(header.cookie);
    if (read === undefined || read.isDone) {
      throw new ProtocolViolation('an answer belongs to no read');
    }
    if (header.isError) throw await this.#unreadable(read, header);
    if (header.type === CHUNK.data) await this.#takeData(read, header);
    // A hole says nothing that is not so already: what no data came for is zeros.
    else if (header.type === CHUNK.hole && header.length === 12) await this.reader.read(12);
    else if (header.type !== CHUNK.none || header.length !== 0) {
      throw new ProtocolViolation(`an answer has the unknown type ${header.type}`);
    }
    read.isDone = header.isLast;
  }

  async #takeData(read: Read, { length }: ChunkHeader): Promise<void> {
    const at = Number((await this.reader.read(8)).readBigUInt64BE()) - read.offset;
    const count = length - 8;
    if (at < 0 || count < 0 || at + count > read.length) {
      throw new ProtocolViolation('an answer has bytes that were not asked for');
    }
    read.bytes ??= Buffer.alloc(read.length);
    await this.reader.readInto(read.bytes.subarray(at, at + count));
  }

  /** Error number, length of a text, the text; then perhaps where it was. */
  async #unreadable({ offset }: Read, { length }: ChunkHeader): Promise<PermanentError> {
    const error = await this.reader.read(Math.min(length, MAX_TEXT));
    const said = error.length < 6 ? '' : error.toString('utf8', 6, 6 + error.readUInt16BE(4));
    return new PermanentError({
      code: 'DISK_UNREADABLE',
      message: `The disk inside the image cannot be read from byte ${offset} on: ${said === '' ? 'no reason was given' : said}`,
      hint: 'The image may be damaged; check it with qemu-img check and send it again',
      details: { position: offset },
    });
  }
}

/** What the server tells before it acknowledges an option. */
async function factsOf(reader: SocketReader, option: number): Promise<readonly Buffer[]> {
  const facts: Buffer[] = [];
  for (;;) {
    const reply: OptionReply = optionReply(await reader.read(OPTION_REPLY_LENGTH));
    if (reply.option !== option || reply.length > MAX_TEXT) {
      throw new ProtocolViolation(`an answer is not that to option ${option}`);
    }
    const data = await reader.read(reply.length);
    if (reply.isError) {
      throw new ProtocolViolation(`option ${option} was refused: ${data.toString('utf8')}`);
    }
    if (reply.type === OPTION_REPLY.ack) return facts;
    if (reply.type === OPTION_REPLY.info && facts.length < MAX_FACTS) facts.push(data);
  }
}
