import { describe, expect, it } from 'vitest';
import type { ByteView } from './byte-view.js';
import {
  HEAD_LENGTH,
  MAX_PIECE_LENGTH,
  read,
  readEnd,
  TAIL_LENGTH,
  type Inspecting,
  type Reading,
} from './frame.js';
import { Session } from './session.js';
import { HeadWindow, TailWindow } from './windows.js';

const SIZE = 600_000;
const stream = Uint8Array.from({ length: SIZE }, (_, at) => (at * 31 + (at >> 8)) & 0xff);

/** Runs a reader over the stream and answers with all the pieces that it got. */
function run(reads: () => Reading<readonly ByteView[]>, chunkLength: number): readonly string[] {
  const pieces: ByteView[] = [];
  const session = new Session({
    name: 'test',
    *inspect(): Inspecting {
      for (const piece of yield* reads()) pieces.push(piece);
      return undefined;
    },
  });
  const head = new HeadWindow(HEAD_LENGTH);
  const tail = new TailWindow(TAIL_LENGTH);
  for (let at = 0; at < SIZE; at += chunkLength) {
    const chunk = Uint8Array.from(stream.subarray(at, at + chunkLength));
    head.push(chunk);
    tail.push(chunk);
    if (session.wants < at + chunk.length) session.feed(chunk, at, head);
    chunk.fill(0);
  }
  session.finish(head, tail);
  return pieces.map((piece) => {
    const same = Buffer.from(piece.bytes).equals(
      stream.subarray(piece.offset, piece.offset + piece.length),
    );
    return `${piece.offset}+${piece.length}${same ? '' : ' with other bytes'}`;
  });
}

const CHUNKS = [1000, 4096, 65536, SIZE];

describe('Session', () => {
  it.each(CHUNKS)('hands out pieces of the head again and again, in chunks of %i', (chunk) => {
    const pieces = run(function* () {
      return [yield* read(100_000, 100), yield* read(0, 65536), yield* read(512, 8)];
    }, chunk);
    expect(pieces).toEqual(['100000+100', '0+65536', '512+8']);
  });

  it.each(CHUNKS)('hands out later pieces in order and none that has passed, at %i', (chunk) => {
    const pieces = run(function* () {
      return [
        yield* read(200_000, 5000),
        yield* read(205_000, 1),
        yield* read(204_000, 10),
        yield* read(300_000, 65536),
        yield* read(0, 4),
      ];
    }, chunk);
    expect(pieces).toEqual(['200000+5000', '205000+1', '204000+0', '300000+65536', '0+4']);
  });

  it.each(CHUNKS)('cuts a piece at the end of the stream and at its own limit, at %i', (chunk) => {
    const pieces = run(function* () {
      return [
        yield* read(140_000, 2 * MAX_PIECE_LENGTH),
        yield* read(SIZE - 10, 100),
        yield* read(2 ** 63, 100),
        (yield* readEnd(512)).view,
        (yield* readEnd(2 * TAIL_LENGTH)).view,
        yield* read(SIZE - 20, 8),
        yield* read(300_000, 8),
      ].map((piece) => piece);
    }, chunk);
    expect(pieces).toEqual([
      `140000+${MAX_PIECE_LENGTH}`,
      `${SIZE - 10}+10`,
      expect.stringMatching(/\+0$/) as unknown,
      `${SIZE - 512}+512`,
      `${SIZE - TAIL_LENGTH}+${TAIL_LENGTH}`,
      `${SIZE - 20}+8`,
      expect.stringMatching(/\+0$/) as unknown,
    ]);
  });

  it('turns a failure of an inspector into a finding', () => {
    const session = new Session({
      name: 'broken',
      *inspect(): Inspecting {
        yield* read(0, 1);
        throw new Error('Out of luck');
      },
    });
    const [head, tail] = [new HeadWindow(HEAD_LENGTH), new TailWindow(TAIL_LENGTH)];
    head.push(stream.subarray(0, 10));
    session.feed(stream.subarray(0, 10), 0, head);
    expect(session.finish(head, tail)?.findings).toEqual([
      expect.objectContaining({
        rule: 'inspector-failed',
        message: 'The inspector of broken failed: Out of luck',
      }),
    ]);
  });
});
