import { randomUUID } from 'node:crypto';
import { inject, injectable } from 'inversify';
import { Ledger, assertGranted } from '../../staging/ledger.js';
import type { Verdict } from '../../staging/ledger.js';
import type { Reservation } from '../../staging/generation.js';
import { Journal } from '../journal.js';
import type { Transaction } from '../ports.js';

const MIB = 1024 * 1024;
/** Bytes by which a reservation for a stream of unknown length grows, where there is room for them. */
const GROWTH_STEP = 64 * MIB;
/** Bytes that such a stream finds at least, or it does not begin. */
const FIRST_STEP = MIB;

/** Whose file incoming bytes are for. */
export interface DataOwner extends Pick<Reservation, 'imageId' | 'importId' | 'generationId'> {
  /** The import holds bytes already, of which a task makes these. */
  readonly isUnderWay: boolean;
}

/** Bytes that everybody holds, and of them those of an import that is under way. */
interface Held {
  readonly total: number;
  readonly own: number | undefined;
}

/** Lets bytes and workspaces into the staging area, by the ledger's word. */
@injectable()
export class Admission {
  /** Imports that wait for workspace, first come first. */
  readonly #queue: string[] = [];
  #onRelease: () => void = () => undefined;

  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Ledger) private readonly ledger: Ledger,
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
   * Reserves for incoming bytes inside the transaction that records the intent.
   * @param expectedSize bytes to come; `undefined` reserves a first step, see {@link grow}
   * @throws {CapacityError} `STAGING_FULL` · `STAGING_TOO_SMALL`
   */
  async reserveData(
    tx: Transaction,
    owner: DataOwner,
    expectedSize: number | undefined,
  ): Promise<Reservation> {
    const held = await heldBy(tx, owner);
    const bytes = expectedSize ?? this.#firstStep(held);
    assertGranted(this.#judge(bytes, held));
    const { imageId, importId, generationId } = owner;
    const reservation: Reservation = {
      id: randomUUID(),
      purpose: 'data',
      ...{ imageId, importId, generationId, bytes },
    };
    await tx.insertReservation(reservation);
    return reservation;
  }

  /**
   * Whether bytes would find room now; for refusing an upload before it begins.
   * @throws as {@link reserveData}
   */
  async assertRoom(expectedSize: number | undefined): Promise<void> {
    const held = { total: await this.journal.read.reservedBytes(), own: undefined };
    assertGranted(this.#judge(expectedSize ?? this.#firstStep(held), held));
  }

  #firstStep(held: Held): number {
    return Math.max(FIRST_STEP, Math.min(GROWTH_STEP, this.#room(held)));
  }

  #room({ total, own }: Held): number {
    return (own === undefined ? this.ledger.capacityForData : this.ledger.capacity) - total;
  }

  /** The share that is kept from new bytes is for imports that hold bytes already. */
  #judge(bytes: number, { total, own }: Held): Verdict {
    return own === undefined
      ? this.ledger.judgeData(bytes, total)
      : this.ledger.judgeWorkspace(bytes, total, own, true);
  }

  /**
   * Raises a reservation to hold at least `bytes`; answers what it holds then.
   * @throws as {@link reserveData}
   */
  async grow(id: string, owner: DataOwner, current: number, bytes: number): Promise<number> {
    if (bytes <= current) return current;
    const step = Math.max(GROWTH_STEP, Math.floor(current / 4));
    return this.journal.write(async ({ tx }) => {
      const { total, own } = await heldBy(tx, owner);
      const others = { total: total - current, own: own === undefined ? own : own - current };
      // What is there is taken before anything is refused.
      const wanted = Math.max(bytes, Math.min(current + step, this.#room(others)));
      assertGranted(this.#judge(wanted, others));
      await tx.updateReservation(id, wanted);
      return wanted;
    });
  }

  /**
   * Asks for the workspace of a task; replaces what the import held before. Where there is no room
   * the import takes its place in the queue.
   */
  async requestWorkspace(imageId: string, importId: string, bytes: number): Promise<Verdict> {
    if (!this.#queue.includes(importId)) this.#queue.push(importId);
    const first = this.#queue[0] === importId;
    const verdict = await this.journal.write(async ({ tx }) => {
      await tx.deleteReservations({ importId, purpose: 'workspace' });
      const reservations = await tx.reservations();
      const reserved = sum(reservations);
      const own = sum(reservations.filter((held) => held.importId === importId));
      const judged = this.ledger.judgeWorkspace(bytes, reserved, own, first);
      if (judged.kind === 'granted') {
        await tx.insertReservation({
          id: randomUUID(),
          purpose: 'workspace',
          imageId,
          importId,
          generationId: null,
          bytes,
        });
      }
      return judged;
    });
    if (verdict.kind !== 'full') this.leaveQueue(importId);
    return verdict;
  }

  /** For an import that no longer waits, whatever came of it. */
  leaveQueue(importId: string): void {
    const place = this.#queue.indexOf(importId);
    if (place >= 0) this.#queue.splice(place, 1);
  }
}

async function heldBy(tx: Transaction, { importId, isUnderWay }: DataOwner): Promise<Held> {
  if (!isUnderWay) return { total: await tx.reservedBytes(), own: undefined };
  const reservations = await tx.reservations();
  return {
    total: sum(reservations),
    own: sum(reservations.filter((held) => held.importId === importId)),
  };
}

function sum(reservations: readonly Reservation[]): number {
  return reservations.reduce((total, { bytes }) => total + bytes, 0);
}
