import { ByteView } from './byte-view.js';

/** Keeps the first bytes of a stream. */
export class HeadWindow {
  private readonly bytes: Uint8Array;
  private filled = 0;

  constructor(readonly capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  get end(): number {
    return this.filled;
  }

  push(chunk: Uint8Array): void {
    if (this.filled === this.capacity) return;
    const part = chunk.subarray(0, this.capacity - this.filled);
    this.bytes.set(part, this.filled);
    this.filled += part.length;
  }

  /** The bytes of `[offset, offset + length)` seen so far. */
  view(offset: number, length: number): ByteView {
    return new ByteView(this.bytes.subarray(0, this.filled), 0).slice(offset, length);
  }
}

/** Keeps the last bytes of a stream. */
export class TailWindow {
  private readonly bytes: Uint8Array;
  private filled = 0;
  private position = 0;

  constructor(readonly capacity: number) {
    this.bytes = new Uint8Array(2 * capacity);
  }

  /** Bytes pushed in all. */
  get size(): number {
    return this.position;
  }

  push(chunk: Uint8Array): void {
    this.position += chunk.length;
    const part = chunk.subarray(Math.max(0, chunk.length - this.capacity));
    if (this.filled + part.length > this.bytes.length) {
      const kept = this.capacity - part.length;
      this.bytes.copyWithin(0, this.filled - kept, this.filled);
      this.filled = kept;
    }
    this.bytes.set(part, this.filled);
    this.filled += part.length;
  }

  /** The last `length` bytes; fewer where the stream or the window is shorter. */
  last(length: number): ByteView {
    const kept = Math.min(length, this.filled, this.capacity);
    const bytes = this.bytes.subarray(this.filled - kept, this.filled);
    return new ByteView(bytes, this.position - kept);
  }

  /** The bytes of `[offset, offset + length)`, empty unless the window holds all that exist. */
  view(offset: number, length: number): ByteView {
    const kept = this.last(this.capacity);
    if (offset < kept.offset) return kept.slice(0, 0);
    return kept.slice(offset - kept.offset, length);
  }
}
