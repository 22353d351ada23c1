import { setTimeout as after } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { abortable } from './abortable.js';
import type { SharedSeat } from './pass.js';
import { Taker } from './taker.js';

/** Reads a file from a position; `take` answers whether it wants more. */
export type ReadFrom = (from: number, take: (bytes: Buffer) => Promise<boolean>) => Promise<void>;

export interface SharedReadingTimes {
  /** Milliseconds for which those who are there wait for those who have not said what they need. */
  readonly gatherMs: number;
  /** Milliseconds for which one taker that stands still may hold up the others. */
  readonly stallMs: number;
}

type Given = (stream: Readable | undefined) => void;

/**
 * One reading of a file for several takers. It begins when each has said whether it needs the bytes,
 * and goes at the pace of the slowest. One that stands still is detached: it is read for alone, from
 * where it stopped, whenever it goes on. One that is gone holds up nobody.
 */
export class SharedReading {
  readonly seats: readonly SharedSeat[];
  readonly #waiting = new Map<SharedSeat, Given>();
  readonly #undecided = new Set<SharedSeat>();
  #hasBegun = false;

  constructor(
    takers: number,
    private readonly read: ReadFrom,
    private readonly times: SharedReadingTimes,
  ) {
    this.seats = Array.from({ length: takers }, () => this.#seat());
  }

  #seat(): SharedSeat {
    const seat: SharedSeat = {
      join: (signal) => this.#join(seat, signal),
      leave: () => {
        this.#decided(seat);
      },
    };
    this.#undecided.add(seat);
    return seat;
  }

  async #join(seat: SharedSeat, signal: AbortSignal): Promise<Readable | undefined> {
    signal.throwIfAborted();
    if (this.#hasBegun) return undefined;
    const stream = new Promise<Readable | undefined>((given) => {
      this.#waiting.set(seat, given);
    });
    if (this.#waiting.size === 1) this.#beginLater();
    this.#decided(seat);
    try {
      return await abortable(stream, signal);
    } catch (error) {
      this.#waiting.delete(seat);
      void stream.then((given) => given?.destroy());
      throw error;
    }
  }

  #decided(seat: SharedSeat): void {
    this.#undecided.delete(seat);
    if (this.#undecided.size === 0) this.#begin();
  }

  #beginLater(): void {
    void after(this.times.gatherMs, undefined, { ref: false }).then(() => {
      this.#begin();
    });
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const [only, ...others] = this.#waiting.values();
    if (only === undefined) return;
    if (others.length === 0) {
      only(undefined);
      return;
    }
    const feeding = new Feeding(this.read, this.times.stallMs);
    for (const given of [only, ...others]) given(feeding.add());
    void feeding.run(0);
  }
}

/** Feeds several takers from one position on. */
class Feeding {
  readonly #attached = new Set<Taker>();
  #changed: () => void = () => undefined;

  constructor(
    private readonly read: ReadFrom,
    private readonly stallMs: number,
  ) {}

  add(): Readable {
    const taker = new Taker();
    this.#attach(taker);
    return taker.stream;
  }

  #attach(taker: Taker): void {
    taker.onChange = () => {
      this.#changed();
    };
    this.#attached.add(taker);
  }

  /** Never rejects: what the reading fails with reaches every taker. */
  async run(from: number): Promise<void> {
    try {
      await this.read(from, async (bytes) => {
        await this.#room();
        for (const taker of this.#attached) taker.feed(bytes);
        return this.#attached.size > 0;
      });
      for (const taker of this.#attached) taker.end();
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      for (const taker of this.#attached) taker.fail(reason);
    }
  }

  /** Resolves when nobody who is attached is full. */
  async #room(): Promise<void> {
    for (;;) {
      for (const taker of this.#attached) if (taker.isGone) this.#attached.delete(taker);
      const full = [...this.#attached].filter((taker) => taker.isFull);
      if (full.length === 0) return;
      const hasOthers = full.length < this.#attached.size;
      const patience = hasOthers
        ? Math.min(...full.map((taker) => this.#patience(taker)))
        : undefined;
      if (patience !== undefined && patience <= 0) {
        for (const taker of full) if (this.#patience(taker) <= 0) this.#detach(taker);
      } else {
        await this.#change(patience);
      }
    }
  }

  #patience({ tookAt }: Taker): number {
    return tookAt + this.stallMs - performance.now();
  }

  #detach(taker: Taker): void {
    this.#attached.delete(taker);
    const own = new Feeding(this.read, this.stallMs);
    own.#attach(taker);
    void own.run(taker.fed);
  }

  /** Resolves at the next change of a taker, or after so many milliseconds. */
  async #change(ms: number | undefined): Promise<void> {
    const over = new AbortController();
    await new Promise<void>((resolve) => {
      this.#changed = resolve;
      if (ms !== undefined) {
        after(ms, undefined, { signal: over.signal }).then(resolve, () => undefined);
      }
    });
    over.abort();
  }
}
