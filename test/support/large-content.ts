import { createCipheriv, createHash } from 'node:crypto';

/** Incompressible bytes that can be made at any place, of any length, without being kept. */
export class LargeContent {
  readonly #key = Buffer.alloc(32, 'stowage');

  constructor(readonly size: number) {}

  /** The bytes from `start`, at most `length`. */
  slice(start: number, length: number): Buffer {
    const block = Math.floor(start / 16);
    const counter = Buffer.alloc(16);
    counter.writeBigUInt64BE(BigInt(block), 8);
    const cipher = createCipheriv('aes-256-ctr', this.#key, counter);
    const skipped = start - block * 16;
    const wanted = Math.max(0, Math.min(length, this.size - start));
    return cipher.update(Buffer.alloc(skipped + wanted)).subarray(skipped);
  }

  digest(algorithm: string): string {
    const hash = createHash(algorithm);
    const step = 8 * 1024 * 1024;
    for (let at = 0; at < this.size; at += step) hash.update(this.slice(at, step));
    return hash.digest('hex');
  }
}
