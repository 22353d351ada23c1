import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';

/** Bytes that are told apart by whether they are zeros. */
const BLOCK = 4096;
const ZEROS = Buffer.alloc(BLOCK);

/**
 * A digest of where a disk is not zero, and of what it holds there: the same for two disks that show a
 * guest the same bytes, whatever each of them has stored of its zeros.
 */
export class DiskContent {
  readonly #hash = createHash('sha256');

  /** Bytes from a position on; both in whole blocks, but for the end of the disk. */
  add(position: number, bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += BLOCK) {
      const block = bytes.subarray(at, at + BLOCK);
      if (ZEROS.subarray(0, block.length).equals(block)) continue;
      this.#hash.update(`${position + at}:`).update(block);
    }
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

/** Of a whole disk as it comes. */
export async function contentOf(stream: Readable): Promise<string> {
  const content = new DiskContent();
  let position = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const whole = bytes.length - (bytes.length % BLOCK);
    content.add(position, bytes.subarray(0, whole));
    position += whole;
    rest = bytes.subarray(whole);
  }
  content.add(position, rest);
  return content.digest();
}

/** Of what `rbd export-diff` writes: doc/dev/rbd-diff.rst of Ceph, version 1. */
export function contentOfDiff(diff: Buffer): string {
  const content = new DiskContent();
  const header = 'rbd diff v1\n';
  if (diff.toString('latin1', 0, header.length) !== header) throw new Error('This is no diff');
  const word = (at: number): number => Number(diff.readBigUInt64LE(at));
  for (let at = header.length; ;) {
    const tag = diff.toString('latin1', at, at + 1);
    at += 1;
    if (tag === 'e') return content.digest();
    if (tag === 'f' || tag === 't') at += 4 + diff.readUInt32LE(at);
    else if (tag === 's') at += 8;
    else if (tag === 'z') at += 16;
    else if (tag === 'w') {
      const [position, length] = [word(at), word(at + 8)];
      at += 16;
      content.add(position, diff.subarray(at, at + length));
      at += length;
    } else throw new Error(`Unknown record "${tag}"`);
  }
}
