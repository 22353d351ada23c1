import { inject, injectable } from 'inversify';
import { backoffDelay } from '../../base/backoff.js';
import { Clock } from '../../base/clock.js';
import { crashPoint } from '../../base/crash-point.js';
import { describeFailure } from '../../base/errors.js';
import type { Generation } from '../../staging/generation.js';
import { StagingArea } from '../../staging/area.js';
import type { Location } from '../../store/location.js';
import { StoreRegistry } from '../../store/registry.js';
import { Logger } from '../../telemetry/logger.js';
import { Admission } from './admission.js';
import { Journal } from '../journal.js';

/** Milliseconds between two looks for what could not be removed and is due again. */
const RETRY_INTERVAL = 10_000;

/** A volume may share the blocks of what is to be removed for years. */
const RETRY = { backoffMs: RETRY_INTERVAL, maxBackoffMs: 60 * 60 * 1000 };

/**
 * Removes what is marked: generations that are `releasing`, locations that are `deleting`. First the
 * bytes, then the row and the ledger entry, so that the ledger is never below the disk.
 */
@injectable()
export class Janitor {
  readonly #stopping = new AbortController();
  #wanted = false;
  #working: Promise<void> | undefined;
  #retrying = false;
  /** What could not be removed, by the id of its row. */
  readonly #failed = new Map<string, { readonly attempts: number; readonly dueAt: number }>();

  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(StagingArea) private readonly staging: StagingArea,
    @inject(StoreRegistry) private readonly stores: StoreRegistry,
    @inject(Admission) private readonly admission: Admission,
    @inject(Clock) private readonly clock: Clock,
    @inject(Logger) private readonly log: Logger,
  ) {}

  /** Says that something has been marked; the work is done in the background. */
  wake(): void {
    if (this.#stopping.signal.aborted) return;
    this.#wanted = true;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** Resolves when everything that is marked now, and due, was tried. */
  async idle(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  /** Removes what is marked, for `deadlineMs` at most; the next start does the rest. */
  async stop(deadlineMs: number): Promise<void> {
    const deadline = new AbortController();
    await Promise.race([
      this.idle(),
      this.clock.sleep(deadlineMs, deadline.signal).catch(() => undefined),
    ]);
    deadline.abort();
    this.#stopping.abort();
    await this.idle();
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #work(): Promise<void> {
    while (this.#wanted && !this.#isStopping()) {
      this.#wanted = false;
      const generations = await this.journal.read.generations({ states: ['releasing'] });
      const locations = await this.journal.read.locations({ states: ['deleting'] });
      const marked = [
        ...generations.map((row) => ({ id: row.id, work: () => this.#release(row) })),
        ...locations.map((row) => ({ id: row.id, work: () => this.#remove(row) })),
      ];
      const now = this.clock.now().getTime();
      for (const { id, work } of marked) {
        if (this.#isStopping()) break;
        if ((this.#failed.get(id)?.dueAt ?? now) <= now) await this.#attempt(id, work);
      }
      if (this.#failed.size > 0) this.#retryLater();
      if (generations.length > 0) this.admission.released();
    }
  }

  async #attempt(id: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#failed.delete(id);
    } catch (error) {
      const attempts = (this.#failed.get(id)?.attempts ?? 0) + 1;
      const dueAt = this.clock.now().getTime() + backoffDelay(attempts, RETRY);
      this.#failed.set(id, { attempts, dueAt });
      this.log.warn('Could not remove bytes that nothing needs; will try again', {
        failure: describeFailure(error),
        again_at: new Date(dueAt).toISOString(),
      });
    }
  }

  async #release(generation: Generation): Promise<void> {
    crashPoint('release:before-unlink');
    await this.staging.remove(generation);
    crashPoint('release:unlinked');
    await this.journal.write(({ tx }) => tx.deleteGeneration(generation.id));
    crashPoint('release:dropped');
  }

  async #remove(location: Location): Promise<void> {
    const store = this.stores.get(location.store);
    crashPoint('remove:before-delete');
    if (location.url !== null) await store.delete(location.url);
    else await store.discard(location.objectName);
    crashPoint('remove:deleted');
    await this.journal.write(({ tx }) => tx.deleteLocation(location.id));
    crashPoint('remove:dropped');
  }

  #retryLater(): void {
    if (this.#retrying) return;
    this.#retrying = true;
    // Only the stop interrupts the sleep, and then there is nothing to wake.
    this.clock.sleep(RETRY_INTERVAL, this.#stopping.signal).then(
      () => {
        this.#retrying = false;
        this.wake();
      },
      () => undefined,
    );
  }
}
