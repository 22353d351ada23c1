/** A file that is being written from one end to the other. */
export interface FlushTarget {
  /** Bytes that were written. */
  readonly written: number;
  /** Makes them durable; answers how many. */
  flushWritten(): Promise<number>;
}

interface Waiting {
  readonly position: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets the owner of a pass have what has come so far made durable while the pass goes on. One for one
 * pass: the owner calls {@link reach}, the pass the rest.
 */
export class FlushPoints {
  readonly #waiting = new Set<Waiting>();
  #target: FlushTarget | undefined;
  #flushing: Promise<void> | undefined;
  #end: { readonly durable: number; readonly reason: unknown } | undefined;

  /**
   * Resolves when so many bytes of the target are durable.
   * @throws what has ended the pass before
   */
  reach(position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.add({ position, resolve, reject });
      if (this.#end === undefined) this.#flushWhatIsWaitedFor();
      else this.#settle(this.#end.durable, this.#end.reason);
    });
  }

  attach(target: FlushTarget): void {
    this.#target = target;
    this.#flushWhatIsWaitedFor();
  }

  /** The target has more bytes than before. */
  advanced(): void {
    if (this.#waiting.size > 0) this.#flushWhatIsWaitedFor();
  }

  /** The target is about to be closed with so many durable bytes; waits for a flush that is under way. */
  async end(durable: number, reason: unknown): Promise<void> {
    this.#target = undefined;
    await this.#flushing;
    this.#end = { durable, reason };
    this.#settle(durable, reason);
  }

  #flushWhatIsWaitedFor(): void {
    const target = this.#target;
    if (target === undefined || this.#flushing !== undefined) return;
    const due = [...this.#waiting].filter(({ position }) => position <= target.written);
    if (due.length === 0) return;
    this.#flushing = target
      .flushWritten()
      .then(
        (durable) => {
          this.#settle(durable, undefined);
        },
        (error: unknown) => {
          for (const waiting of due) this.#take(waiting).reject(error);
        },
      )
      .finally(() => {
        this.#flushing = undefined;
        this.#flushWhatIsWaitedFor();
      });
  }

  /** Those whose bytes are durable are content; the others too are told where nothing comes any more. */
  #settle(durable: number, reason: unknown): void {
    for (const waiting of [...this.#waiting]) {
      if (waiting.position <= durable) this.#take(waiting).resolve();
      else if (reason !== undefined) this.#take(waiting).reject(reason);
    }
  }

  #take(waiting: Waiting): Waiting {
    this.#waiting.delete(waiting);
    return waiting;
  }
}
