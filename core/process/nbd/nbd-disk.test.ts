import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tempDir } from '../../../test/support/temp-dir.js';
import { NbdDisk } from './nbd-disk.js';
import { ProtocolViolation } from './protocol.js';

const SIZE = 64 * 1024;

let dir: Awaited<ReturnType<typeof tempDir>>;
beforeAll(async () => {
  dir = await tempDir();
});
afterAll(async () => {
  await dir[Symbol.asyncDispose]();
});

/** One part of an answer to a read. */
interface Chunk {
  readonly flags: number;
  readonly type: number;
  readonly body: Buffer;
}

const DONE = 1;
const uint = (bytes: number, value: number): Buffer => {
  const buffer = Buffer.alloc(bytes);
  if (bytes === 8) buffer.writeBigUInt64BE(BigInt(value));
  else buffer.writeUIntBE(value, 0, bytes);
  return buffer;
};
const data = (offset: number, bytes: Buffer, flags = 0): Chunk => ({
  flags,
  type: 1,
  body: Buffer.concat([uint(8, offset), bytes]),
});
const hole = (offset: number, length: number, flags = 0): Chunk => ({
  flags,
  type: 2,
  body: Buffer.concat([uint(8, offset), uint(4, length)]),
});
const none = (flags = 0): Chunk => ({ flags, type: 0, body: Buffer.alloc(0) });

/** A server that negotiates as it should, and answers each read with what `answer` says. */
async function openServed(answer: readonly Chunk[]): Promise<NbdDisk> {
  const socketPath = path.join(dir.path, randomBytes(4).toString('hex'));
  const server = createServer((socket) => void serve(socket, answer)).listen(socketPath);
  await once(server, 'listening');
  const disk = await NbdDisk.open(socketPath);
  server.close();
  return disk;
}

async function serve(socket: Socket, answer: readonly Chunk[]): Promise<void> {
  socket.on('error', () => undefined);
  const optionReply = (option: number, type: number, body = Buffer.alloc(0)): Buffer =>
    Buffer.concat([
      Buffer.from('0003e889045565a9', 'hex'),
      ...[uint(4, option), uint(4, type), uint(4, body.length), body],
    ]);
  socket.write(Buffer.concat([Buffer.from('NBDMAGICIHAVEOPT'), uint(2, 3)]));
  const incoming = socket[Symbol.asyncIterator]();
  let seen = Buffer.alloc(0);
  const take = async (length: number): Promise<Buffer> => {
    while (seen.length < length) {
      const next = (await incoming.next()) as IteratorResult<Buffer, undefined>;
      if (next.done === true) throw new Error('The client has gone');
      seen = Buffer.concat([seen, next.value]);
    }
    const taken = seen.subarray(0, length);
    seen = seen.subarray(length);
    return taken;
  };
  try {
    await take(4 + 16);
    // Sent byte by byte, as a stream may bring it.
    for (const byte of optionReply(8, 1)) socket.write(Buffer.of(byte));
    await take(16 + 6);
    const facts = Buffer.concat([uint(2, 0), uint(8, SIZE), uint(2, 0)]);
    socket.write(Buffer.concat([optionReply(7, 3, facts), optionReply(7, 1)]));
    for (;;) {
      const cookie = (await take(28)).subarray(8, 16);
      for (const { flags, type, body } of answer) {
        socket.write(
          Buffer.concat([
            Buffer.from('668e33ef', 'hex'),
            ...[uint(2, flags), uint(2, type), cookie, uint(4, body.length), body],
          ]),
        );
      }
    }
  } catch {
    // The client has left, as it may at any time.
  }
}

describe('NbdDisk', () => {
  const bytes = randomBytes(1024);

  it('puts data and holes where they belong, whatever the memory held before', async () => {
    const disk = await openServed([
      data(4096, bytes.subarray(0, 100)),
      hole(4196, 600),
      data(4796, bytes.subarray(700)),
      none(DONE),
    ]);
    expect(disk.size).toBe(SIZE);
    const target = new Uint8Array(new SharedArrayBuffer(1024)).fill(7);
    await disk.read(target, 4096);
    const wanted = Buffer.from(bytes).fill(0, 100, 700);
    expect(Buffer.from(target).equals(wanted)).toBe(true);
    disk.close();
  });

  it.each([
    ['leaves a part out', [data(0, bytes.subarray(0, 1000), DONE)]],
    ['says nothing at all', [none(DONE)]],
    ['leaves a gap', [data(0, bytes.subarray(0, 100)), data(200, bytes.subarray(200), DONE)]],
    ['says a part twice', [data(0, bytes), hole(0, 1024, DONE)]],
    ['says more than was asked', [data(0, Buffer.concat([bytes, bytes]), DONE)]],
    ['has a hole that is too long', [hole(0, 1025, DONE)]],
    ['is for other bytes', [data(1024, bytes, DONE)]],
    ['has a type that nobody knows', [{ flags: DONE, type: 9, body: bytes }]],
  ] as const)('believes no answer that %s', async (_, answer) => {
    const disk = await openServed(answer);
    await expect(disk.read(new Uint8Array(1024), 0)).rejects.toThrow(ProtocolViolation);
    await expect(disk.read(new Uint8Array(1024), 0)).rejects.toThrow(ProtocolViolation);
  });

  it('believes no answer that nobody has asked for', async () => {
    const disk = await openServed([data(0, bytes, DONE), data(0, bytes, DONE)]);
    await disk.read(new Uint8Array(1024), 0);
    await expect(disk.read(new Uint8Array(1024), 0)).rejects.toThrow(ProtocolViolation);
  });

  it('rejects what is under way when it is closed', async () => {
    const disk = await openServed([]);
    const reading = disk.read(new Uint8Array(1024), 0);
    expect(disk.isBusy).toBe(true);
    disk.close();
    await expect(reading).rejects.toThrow('closed');
    await expect(disk.read(new Uint8Array(1024), 0)).rejects.toThrow('closed');
  });

  it('does not open where nobody serves', async () => {
    await expect(NbdDisk.open(path.join(dir.path, 'nobody'))).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});
