/** Keeps the first bytes of an output and drops the rest. */
export class KeptStart {
  readonly #limit: number;
  readonly #pieces: Buffer[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    const room = this.#limit - this.#size;
    if (room <= 0) return;
    // A copy, since a part would hold the whole chunk in memory.
    const piece = Buffer.from(chunk.subarray(0, room));
    this.#pieces.push(piece);
    this.#size += piece.length;
  }

  text(): string {
    return Buffer.concat(this.#pieces).toString('utf8');
  }
}

/** Keeps the last bytes of an output. */
export class KeptEnd {
  readonly #limit: number;
  #bytes = Buffer.alloc(0);

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    const last = chunk.subarray(Math.max(0, chunk.length - this.#limit));
    const kept = this.#bytes.subarray(Math.max(0, this.#bytes.length + last.length - this.#limit));
    this.#bytes = Buffer.concat([kept, last]);
  }

  text(): string {
    return this.#bytes.toString('utf8');
  }
}
