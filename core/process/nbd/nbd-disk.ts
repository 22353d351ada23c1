import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { PermanentError } from '../../base/errors.js';
import {
  CHUNK,
  CHUNK_HEADER_LENGTH,
  GREETING_LENGTH,
  HOLE_LENGTH,
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
import type { ChunkHeader } from './protocol.js';

/** Bytes of a fact or an error text that are believed. */
const MAX_TEXT = 4096;

/** Facts about an export that are kept; the protocol has four. */
const MAX_FACTS = 16;

interface Read {
  readonly target: Uint8Array;
  /** Where the bytes stand in the disk. */
  readonly position: number;
  /** Bytes of `target` that have come. */
  filled: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Takes what the server says: yields where the next bytes belong, and goes on when all are there. */
type Conversation = Generator<Uint8Array, void, undefined>;

/**
 * The one disk that an NBD server exports, read by position. The system puts the bytes where they are
 * wanted; none is copied here.
 */
export class NbdDisk {
  /** Bytes; known when {@link open} resolves. */
  #size = 0;
  readonly #socket: Socket;
  readonly #conversation: Conversation;
  readonly #reads = new Map<bigint, Read>();
  #target: Uint8Array;
  #nextCookie = 0n;
  #end: Error | undefined;

  private constructor(path: string, ready: () => void, failed: (error: unknown) => void) {
    this.#conversation = this.#converse(ready);
    // Nothing comes before the greeting is awaited, so the conversation begins with the connection.
    this.#target = this.#conversation.next().value ?? new Uint8Array(1);
    this.#socket = connect({
      path,
      onread: {
        buffer: () => this.#target,
        callback: (count) => this.#took(count),
      },
    });
    this.#socket.on('error', (error) => {
      this.#broken(error);
    });
    this.#socket.once('close', () => {
      this.#broken(new Error('The connection was closed early'));
      failed(this.#end);
    });
  }

  /**
   * Connects to a Unix socket and negotiates for the export without a name. Whoever opens it closes it.
   * @throws {ProtocolViolation}; what connecting fails with
   */
  static open(path: string): Promise<NbdDisk> {
    return new Promise((resolve, reject) => {
      const disk: NbdDisk = new NbdDisk(
        path,
        () => {
          resolve(disk);
        },
        reject,
      );
    });
  }

  get size(): number {
    return this.#size;
  }

  /** Reads are under way that have not been answered. */
  get isBusy(): boolean {
    return this.#reads.size > 0;
  }

  /**
   * Fills `target` with the bytes from `position` on, all of which the disk must have. Several reads may
   * be under way; nothing is written into `target` any more when it has settled.
   * @throws {PermanentError} `DISK_UNREADABLE` where the server cannot read it
   * @throws {ProtocolViolation}; what the connection breaks with
   */
  read(target: Uint8Array, position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#end);
        return;
      }
      const cookie = this.#nextCookie++;
      this.#reads.set(cookie, { target, position, filled: 0, resolve, reject });
      this.#socket.write(readRequest(cookie, position, target.length));
    });
  }

  /** Takes leave of the server; what is under way is rejected. */
  close(): void {
    if (this.#end === undefined && !this.isBusy) {
      this.#socket.write(disconnectRequest());
      // Whatever the server still says, nobody listens.
      this.#socket.destroySoon();
    }
    this.#broken(new Error('The connection was closed'));
  }

  /** Answers whether more is wanted. */
  #took(count: number): boolean {
    this.#target = this.#target.subarray(count);
    if (this.#target.length > 0) return true;
    try {
      const next = this.#conversation.next();
      if (next.done !== true) {
        this.#target = next.value;
        return true;
      }
    } catch (error) {
      this.#broken(error);
    }
    return false;
  }

  #broken(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = error instanceof Error ? error : new Error(String(error));
    if (!this.#socket.writableEnded) this.#socket.destroy();
    for (const { reject } of this.#reads.values()) reject(this.#end);
    this.#reads.clear();
  }

  *#converse(ready: () => void): Conversation {
    checkGreeting(yield* bytes(GREETING_LENGTH));
    this.#socket.write(clientFlags());
    this.#socket.write(optionRequest(OPTION.structuredReply, Buffer.alloc(0)));
    yield* factsOf(OPTION.structuredReply);
    this.#socket.write(optionRequest(OPTION.go, goData()));
    const facts = yield* factsOf(OPTION.go);
    const size = facts.map(exportSize).find((told) => told !== undefined);
    if (size === undefined) throw new ProtocolViolation('the size of the export was not told');
    this.#size = size;
    ready();
    for (;;) yield* this.#chunk();
  }

  *#chunk(): Conversation {
    const header = chunkHeader(yield* bytes(CHUNK_HEADER_LENGTH));
    const read = this.#reads.get(header.cookie);
    if (read === undefined) throw new ProtocolViolation('an answer belongs to no read');
    if (header.isError) throw yield* unreadable(read, header);
    if (header.type === CHUNK.data) yield* this.#data(read, header);
    else if (header.type === CHUNK.hole && header.length === HOLE_LENGTH) yield* this.#hole(read);
    else if (header.type !== CHUNK.none || header.length !== 0) {
      throw new ProtocolViolation(`an answer has the unknown type ${header.type}`);
    }
    if (!header.isLast) return;
    // The target is memory that was used before: what no answer has covered is somebody else's.
    if (read.filled < read.target.length) throw new ProtocolViolation('an answer is not whole');
    this.#reads.delete(header.cookie);
    read.resolve();
  }

  *#data(read: Read, { length }: ChunkHeader): Conversation {
    const offset = (yield* bytes(8)).readBigUInt64BE();
    const target = due(read, offset, length - 8);
    if (target.length > 0) yield target;
    read.filled += target.length;
  }

  *#hole(read: Read): Conversation {
    const hole = yield* bytes(HOLE_LENGTH);
    const target = due(read, hole.readBigUInt64BE(), hole.readUInt32BE(8));
    target.fill(0);
    read.filled += target.length;
  }
}

/** The part of a read's target that a chunk fills; chunks of one read come in the order of the disk. */
function due({ target, position, filled }: Read, offset: bigint, count: number): Uint8Array {
  if (offset === BigInt(position + filled) && count >= 0 && filled + count <= target.length) {
    return target.subarray(filled, filled + count);
  }
  throw new ProtocolViolation('an answer has bytes that were not asked for');
}

function* bytes(length: number): Generator<Uint8Array, Buffer, undefined> {
  const all = Buffer.alloc(length);
  if (length > 0) yield all;
  return all;
}

/** Error number, length of a text, the text; then perhaps where it was. */
function* unreadable(
  { position }: Read,
  { length }: ChunkHeader,
): Generator<Uint8Array, PermanentError, undefined> {
  const error = yield* bytes(Math.min(length, MAX_TEXT));
  const said = error.length < 6 ? '' : error.toString('utf8', 6, 6 + error.readUInt16BE(4));
  return new PermanentError({
    code: 'DISK_UNREADABLE',
    message: `The disk inside the image cannot be read from byte ${position} on: ${said === '' ? 'no reason was given' : said}`,
    hint: 'The image may be damaged; check it with qemu-img check and send it again',
    details: { position },
  });
}

/** What the server tells before it acknowledges an option. */
function* factsOf(option: number): Generator<Uint8Array, readonly Buffer[], undefined> {
  const facts: Buffer[] = [];
  for (;;) {
    const reply = optionReply(yield* bytes(OPTION_REPLY_LENGTH));
    if (reply.option !== option || reply.length > MAX_TEXT) {
      throw new ProtocolViolation(`an answer is not that to option ${option}`);
    }
    const data = yield* bytes(reply.length);
    if (reply.isError) {
      throw new ProtocolViolation(`option ${option} was refused: ${data.toString('utf8')}`);
    }
    if (reply.type === OPTION_REPLY.ack) return facts;
    if (reply.type === OPTION_REPLY.info && facts.length < MAX_FACTS) facts.push(data);
  }
}
