import { randomUUID } from 'node:crypto';
import { inject, injectable } from 'inversify';
import type { Reservation } from '../../staging/generation.js';
import { holdings } from '../../staging/holdings.js';
import { Ledger, assertGranted } from '../../staging/ledger.js';
import type { Verdict } from '../../staging/ledger.js';
import { needOf } from '../flow/need.js';
import type { PlannedWork } from '../flow/need.js';
import { Journal } from '../journal.js';
import type { Reader, Transaction } from '../ports.js';
import { Shortfalls } from './shortfalls.js';

/** An import that fell short is admitted with so many times what it had come to need. */
const AHEAD = 2;

/** An import that asks for everything that its tasks need beside its data. */
export interface Asking {
  readonly importId: string;
  readonly imageId: string;
  /** The data that it works on; `undefined` where none have come. */
  readonly generationId: string | undefined;
  /** It holds what a task has made already, and goes before those that hold only what was sent. */
  readonly isUnderWay: boolean;
}

interface Waiting {
  readonly importId: string;
  readonly need: number;
}

/** Bytes beside the data of an import. */
interface Wish {
  /** What its tasks say that they need at most. */
  readonly foretold: number;
  /** The same with what data that grow have come to need. */
  readonly known: number;
  /** The same with what such data are likely to take. */
  readonly likely: number;
}

/**
 * Admits imports to the staging area: all that one needs beside its data is granted at once, so that
 * none waits while it holds what another waits for. Who waits is served in the order of asking; what
 * the first one needs is kept from those behind it.
 */
@injectable()
export class Admission {
  readonly #queue: Waiting[] = [];
  /** Imports that hold workspace, and what of it was foretold: a hint that spares the others a look at the ledger. */
  readonly #granted = new Map<string, number>();
  #onRelease: () => void = () => undefined;

  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Ledger) private readonly ledger: Ledger,
    @inject(Shortfalls) private readonly shortfalls: Shortfalls,
  ) {}

  get capacity(): number {
    return this.ledger.capacity;
  }

  /** Called whenever bytes have been given back. */
  onRelease(listener: () => void): void {
    this.#onRelease = listener;
  }

  released(): void {
    this.#onRelease();
  }

  /**
   * Admits an import, or finds that it is: what it holds is enough, or is replaced as a whole.
   * `full` has a place in the queue, and will be granted when others have ended.
   * @param work the tasks that it still has, the one whose turn it is first
   * @throws {CapacityError} `STAGING_FULL` where data that nobody takes away may stand in the way
   */
  async admit(asking: Asking, work: readonly PlannedWork[]): Promise<Verdict> {
    const { importId } = asking;
    const wish = {
      foretold: needOf(work),
      known: needOf(this.shortfalls.added(importId, work, 1)),
      likely: needOf(this.shortfalls.added(importId, work, AHEAD)),
    };
    if (wish.likely === 0) return { kind: 'granted' };
    try {
      const verdict = await this.journal.write(({ tx }) => this.#judge(tx, asking, wish));
      if (verdict.kind === 'granted') this.#granted.set(importId, wish.foretold);
      else this.#granted.delete(importId);
      if (verdict.kind === 'full') this.#waits(asking, verdict.need);
      else this.#leaveQueue(importId);
      return verdict;
    } catch (error) {
      this.#leaveQueue(importId);
      throw error;
    }
  }

  async #judge(tx: Transaction, asking: Asking, wish: Wish): Promise<Verdict & { need: number }> {
    const { importId, imageId, generationId } = asking;
    const reservations = await tx.reservations();
    const held = reservations.find(
      (entry) => entry.importId === importId && entry.purpose === 'workspace',
    );
    if (held !== undefined && held.bytes >= wish.likely) return { kind: 'granted', need: 0 };
    await tx.deleteReservations({ importId, purpose: 'workspace' });
    const rest = reservations.filter((entry) => entry !== held);
    const { own, reserved, staged, coming } = holdings(rest, importId);
    const stays = own - (await this.#leaving(tx, asking, rest));
    const need = Math.max(wish.foretold, likelyNeed(wish, this.capacity - stays, staged + coming));
    const { ahead, isNew } = this.#place(asking);
    const verdict = this.ledger.judgeImport(need, { own: stays, others: reserved - stays, ahead });
    if (verdict.kind === 'never') return { ...verdict, need };
    const data = rest.find((entry) => entry.generationId === generationId);
    if (data !== undefined) await tx.updateReservation(data.id, { need });
    if (verdict.kind === 'full') {
      if (isNew) assertGranted(this.ledger.judgeStaged(staged + stays, need));
      return { ...verdict, need };
    }
    await tx.insertReservation({
      id: randomUUID(),
      purpose: 'workspace',
      ...{ imageId, importId, generationId: null, bytes: need, need: null },
    });
    return { ...verdict, need };
  }

  /** Bytes of the import's data that an attempt before has left, and that are being removed. */
  async #leaving(
    read: Reader,
    { importId, generationId }: Asking,
    reservations: readonly Reservation[],
  ): Promise<number> {
    const others = reservations.filter(
      (entry) => entry.importId === importId && entry.generationId !== generationId,
    );
    if (others.length === 0) return 0;
    const leaving = await read.generations({ importId, states: ['releasing'] });
    const ids = new Set<string | null>(leaving.map(({ id }) => id));
    return others
      .filter((entry) => ids.has(entry.generationId))
      .reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Bytes that an import holds for data that grow, beyond what was foretold. */
  async spare(read: Reader, importId: string | null): Promise<number> {
    const foretold = importId === null ? undefined : this.#granted.get(importId);
    if (foretold === undefined) return 0;
    const held = (await read.reservations()).find(
      (entry) => entry.importId === importId && entry.purpose === 'workspace',
    );
    return Math.max(0, (held?.bytes ?? 0) - foretold);
  }

  /** What a task has made of its workspace is data from now on. */
  async carve(tx: Transaction, importId: string | null, bytes: number): Promise<void> {
    await this.#shrink(tx, importId, (held) => held - bytes);
  }

  /**
   * Leaves an admitted import what its later tasks need, with the success of one. It stays admitted
   * with nothing, so that nothing more is kept for it.
   */
  async leave(tx: Transaction, importId: string, need: number): Promise<void> {
    await this.#shrink(tx, importId, (held) => Math.min(held, need));
  }

  async #shrink(
    tx: Transaction,
    importId: string | null,
    to: (held: number) => number,
  ): Promise<void> {
    if (importId === null || !this.#granted.has(importId)) return;
    for (const held of await tx.reservations()) {
      if (held.importId !== importId || held.purpose !== 'workspace') continue;
      await tx.updateReservation(held.id, { bytes: Math.max(0, to(held.bytes)) });
    }
  }

  /** Says that a task of an import has ended and may have left something. */
  shrunk(importId: string): void {
    this.shortfalls.forget(importId);
    if (this.#granted.has(importId)) this.released();
  }

  /** Gives all workspace of an import back, after its files are gone. */
  async giveBack(importId: string): Promise<void> {
    if (!this.#granted.has(importId)) return;
    await this.journal.write(({ tx }) => tx.deleteReservations({ importId, purpose: 'workspace' }));
    this.#granted.delete(importId);
    this.released();
  }

  /** Whether it waits already, and what is kept for the first in the queue before it. */
  #place({ importId, isUnderWay }: Asking): { ahead: number; isNew: boolean } {
    const [first] = this.#queue;
    const isFirst = first === undefined || first.importId === importId;
    const isNew = !this.#queue.some((waiting) => waiting.importId === importId);
    return { ahead: isFirst || (isNew && isUnderWay) ? 0 : first.need, isNew };
  }

  #waits({ importId, isUnderWay }: Asking, need: number): void {
    const place = this.#queue.findIndex((waiting) => waiting.importId === importId);
    if (place >= 0) this.#queue[place] = { importId, need };
    else if (isUnderWay) this.#queue.unshift({ importId, need });
    else this.#queue.push({ importId, need });
  }

  /** For an import that ends: what it holds goes with that. */
  ended(importId: string): void {
    this.#leaveQueue(importId);
    this.shortfalls.forget(importId);
    this.#granted.delete(importId);
  }

  #leaveQueue(importId: string): void {
    const place = this.#queue.findIndex((waiting) => waiting.importId === importId);
    if (place >= 0) this.#queue.splice(place, 1);
  }
}

/**
 * What is only likely keeps no import from its turn: it is not more than all of staging beside its data, nor,
 * beyond what is known, than fits beside the data of others that `stay`.
 */
function likelyNeed({ known, likely }: Wish, free: number, stay: number): number {
  return Math.min(likely, free, Math.max(known, free - stay));
}
