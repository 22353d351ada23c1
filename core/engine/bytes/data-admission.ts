import { randomUUID } from 'node:crypto';
import { inject, injectable } from 'inversify';
import { holdings } from '../../staging/holdings.js';
import type { Holdings } from '../../staging/holdings.js';
import { Ledger, assertGranted } from '../../staging/ledger.js';
import type { Verdict } from '../../staging/ledger.js';
import type { Reservation } from '../../staging/generation.js';
import { Journal } from '../journal.js';
import { Admission } from './admission.js';
import { isQuotaExceeded } from './quotas.js';
import type { Quota } from './quotas.js';
import type { Reader, Transaction } from '../ports.js';
import { Shortfalls } from './shortfalls.js';

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

/** What is reserved for bytes whose number nobody has said. */
export interface GrowingReservation {
  readonly id: string;
  readonly owner: DataOwner;
  readonly quota: Quota;
  /** Bytes that it holds now. */
  readonly current: number;
}

/** Lets bytes into the staging area as they come, by the ledger's word. */
@injectable()
export class DataAdmission {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Ledger) private readonly ledger: Ledger,
    @inject(Admission) private readonly admission: Admission,
    @inject(Shortfalls) private readonly shortfalls: Shortfalls,
  ) {}

  /**
   * Reserves for incoming bytes inside the transaction that records the intent.
   * @param size bytes to come; `undefined` reserves a first step, see {@link grow}: the least one
   *   where a quota may be nearly used up
   * @throws {CapacityError} `STAGING_FULL` · `STAGING_TOO_SMALL`
   */
  async reserve(
    tx: Transaction,
    owner: DataOwner,
    { size, isLimited }: { readonly size: number | undefined; readonly isLimited: boolean },
  ): Promise<Reservation> {
    const { held, spare } = await this.#heldBeside(tx, owner, 0);
    const bytes = size ?? (isLimited ? FIRST_STEP : Math.max(spare, this.#firstStep(held, owner)));
    await this.#take(tx, { owner, held, spare, more: bytes, bytes });
    const { imageId, importId, generationId } = owner;
    const reservation: Reservation = {
      id: randomUUID(),
      purpose: 'data',
      ...{ imageId, importId, generationId, bytes },
      need: null,
    };
    await tx.insertReservation(reservation);
    return reservation;
  }

  /**
   * Whether bytes would find room now; for refusing an upload before it begins.
   * @throws as {@link reserve}
   */
  async assertRoom(expectedSize: number | undefined): Promise<void> {
    const owner = { importId: null, isUnderWay: false };
    const held = await heldBy(this.journal.read, owner);
    assertGranted(this.#judge(expectedSize ?? this.#firstStep(held, owner), held, owner));
  }

  /**
   * Raises a reservation to hold at least `bytes`; answers what it holds then.
   * @throws as {@link reserve}; {CapacityError} `QUOTA_EXCEEDED`
   */
  async grow(growing: GrowingReservation, bytes: number): Promise<number> {
    const { current } = growing;
    if (bytes <= current) return current;
    const step = Math.max(GROWTH_STEP, Math.floor(current / 4));
    try {
      return await this.#raise(growing, bytes, step);
    } catch (error) {
      if (!isQuotaExceeded(error) || bytes >= current + step) throw error;
      // What is there is taken before anything is refused.
      return this.#raise(growing, bytes, 0);
    }
  }

  async #raise(
    { id, owner, quota, current }: GrowingReservation,
    bytes: number,
    step: number,
  ): Promise<number> {
    return this.journal.write(async ({ tx }) => {
      const { held, spare } = await this.#heldBeside(tx, owner, current);
      // What is there is taken before anything is refused.
      const free = Math.max(current + spare, this.#room(held, owner));
      const wanted = Math.max(bytes, Math.min(current + step, free));
      await this.#take(tx, { owner, held, spare, more: wanted - current, bytes: wanted });
      await quota.hold(tx, () => tx.updateReservation(id, { bytes: wanted }));
      return wanted;
    });
  }

  /** What is held beside `current` bytes of one's own, and beside what one holds to grow in: `spare`. */
  async #heldBeside(
    tx: Transaction,
    owner: DataOwner,
    current: number,
  ): Promise<{ readonly held: Holdings; readonly spare: number }> {
    const { reserved, own, ...rest } = await heldBy(tx, owner);
    const spare = owner.isUnderWay ? await this.admission.spare(tx, owner.importId) : 0;
    return {
      held: {
        ...rest,
        reserved: reserved - current - spare,
        own: own === 0 ? 0 : own - current,
      },
      spare,
    };
  }

  /**
   * Takes `more` bytes, which make `bytes` in all, first of what the import holds to grow in: that was
   * granted already.
   * @throws as {@link reserve}
   */
  async #take(tx: Transaction, { owner, held, spare, more, bytes }: Taking): Promise<void> {
    if (more > spare) {
      const verdict = this.#judge(bytes, held, owner);
      const { importId, isUnderWay } = owner;
      if (verdict.kind === 'full' && isUnderWay && importId !== null) {
        this.shortfalls.note(importId, bytes);
      }
      assertGranted(verdict);
    }
    if (spare > 0) await this.admission.carve(tx, owner.importId, Math.min(spare, more));
  }

  /**
   * Records what has come, and what an import of it needs at most beside it. New data do not stay
   * where the largest need would not fit beside all of them any more: that import, or another, could
   * wait for ever.
   * @throws {CapacityError} `STAGING_FULL`
   */
  async settle(tx: Transaction, id: string, owner: DataOwner, facts: Came): Promise<void> {
    const { bytes, need } = facts;
    if (owner.isUnderWay) {
      await tx.updateReservation(id, { bytes });
      return;
    }
    // Nothing is kept for what can never be: its import says so.
    await tx.updateReservation(id, { bytes, need: bytes + need > this.ledger.capacity ? 0 : need });
    const all = holdings(await tx.reservations());
    // Data without a need have found room beside every other's when they began; what an import has come to
    // need since must fit beside what stays.
    assertGranted(this.ledger.judgeStaged(need === 0 ? all.staged : all.data, all.need));
  }

  #firstStep(held: Holdings, owner: Pick<DataOwner, 'isUnderWay'>): number {
    return Math.max(FIRST_STEP, Math.min(GROWTH_STEP, this.#room(held, owner)));
  }

  #room({ reserved, need }: Holdings, { isUnderWay }: Pick<DataOwner, 'isUnderWay'>): number {
    const limit = isUnderWay ? this.ledger.capacity - need : this.ledger.capacityForData(need);
    return limit - reserved;
  }

  /** The share that is kept from new data is for imports that hold data already. */
  #judge(
    bytes: number,
    { reserved, own, need }: Holdings,
    { isUnderWay }: Pick<DataOwner, 'isUnderWay'>,
  ): Verdict {
    return isUnderWay
      ? this.ledger.judgeImport(bytes, { own, others: reserved - own, ahead: need })
      : this.ledger.judgeData(bytes, reserved, need);
  }
}

/** Bytes that data take, see {@link DataAdmission}. */
interface Taking {
  readonly owner: DataOwner;
  readonly held: Holdings;
  readonly spare: number;
  readonly more: number;
  readonly bytes: number;
}

export interface Came {
  /** Bytes of disk that the data take. */
  readonly bytes: number;
  readonly need: number;
}

async function heldBy(
  read: Reader,
  { importId, isUnderWay }: Pick<DataOwner, 'importId' | 'isUnderWay'>,
): Promise<Holdings> {
  return holdings(await read.reservations(), isUnderWay ? importId : null);
}
