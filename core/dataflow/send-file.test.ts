import { randomBytes } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Writable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { tempDir } from '../../test/support/temp-dir.js';
import type { ByteRange } from '../plugin/contract/store.js';
import { sendFile } from './send-file.js';

const MIB = 1024 * 1024;

async function sent(bytes: Buffer, range: ByteRange, sink: Sink): Promise<void> {
  const dir = await tempDir();
  onTestFinished(() => dir[Symbol.asyncDispose]());
  const file = path.join(dir.path, 'object');
  await writeFile(file, bytes);
  return sentFrom(file, range, sink);
}

async function sentFrom(path: string, range: ByteRange, sink: Sink): Promise<void> {
  const handle = await open(path, 'r');
  onTestFinished(() => handle.close());
  return sendFile({ handle, path }, range, sink, sink.gone.signal);
}

/** Looks at what it was given only when it lets go of it, later by as many turns as it is told. */
class Sink extends Writable {
  readonly got: Buffer[] = [];
  readonly gone = new AbortController();

  constructor(private readonly turns: number) {
    super();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    let left = this.turns;
    const turn = (): void => {
      if (left-- > 0) {
        setImmediate(turn);
        return;
      }
      this.got.push(Buffer.from(chunk));
      done();
    };
    turn();
  }
}

test.each([
  ['the whole', { start: 0, end: 3 * MIB + 5 }],
  ['a middle', { start: MIB - 1, end: 2 * MIB + 7 }],
  ['one byte', { start: 3 * MIB, end: 3 * MIB + 1 }],
])('%s arrives as it is in the file, however slow the target is', async (_, range) => {
  const bytes = randomBytes(3 * MIB + 5);
  for (const turns of [0, 50]) {
    const sink = new Sink(turns);
    await sent(bytes, range, sink);
    expect(Buffer.concat(sink.got).equals(bytes.subarray(range.start, range.end))).toBe(true);
    expect(sink.writableFinished).toBe(true);
  }
});

test('a file that ends too early is an error, and the target is not ended', async () => {
  const sink = new Sink(0);
  await expect(sent(randomBytes(MIB), { start: 0, end: MIB + 1 }, sink)).rejects.toMatchObject({
    code: 'FILE_SHORT',
    details: { position: MIB, end: MIB + 1 },
  });
  expect(sink.writableEnded).toBe(false);
});

test('a target that takes nothing any more holds up nobody once the signal is aborted', async () => {
  const sink = new Sink(Infinity);
  const sending = sent(randomBytes(2 * MIB), { start: 0, end: 2 * MIB }, sink);
  setImmediate(() => {
    sink.gone.abort(new Error('gone'));
  });
  await expect(sending).rejects.toThrow('gone');
  sink.destroy();
});

test('what the target fails with is thrown', async () => {
  const sink = new Sink(0);
  sink.on('error', () => undefined);
  sink._write = (_chunk, _encoding, done: (error?: Error) => void): void => {
    done(new Error('broken line'));
  };
  await expect(sent(randomBytes(2 * MIB), { start: 0, end: 2 * MIB }, sink)).rejects.toThrow(
    'broken line',
  );
});

test('a failed reading says what it means, and the target is not ended', async () => {
  const dir = await tempDir();
  onTestFinished(() => dir[Symbol.asyncDispose]());
  const sink = new Sink(0);
  // A directory can be opened and not be read.
  await expect(sentFrom(dir.path, { start: 0, end: 1 }, sink)).rejects.toMatchObject({
    class: 'permanent',
    code: 'FILE_FAILED',
    details: { systemCode: 'EISDIR' },
  });
  expect(sink.writableEnded).toBe(false);
});
