import { inject, injectable } from 'inversify';
import { Clock } from '../../base/clock.js';
import { CancelledError, describeFailure } from '../../base/errors.js';
import type { ImportsConfig } from '../../config/config.js';
import type { ClientBody } from '../../plugin/contract/source.js';
import { Logger } from '../../telemetry/logger.js';
import { Admission } from '../bytes/admission.js';
import { Ending } from '../ending/ending.js';
import { UPLOAD_METHOD } from '../flow/flow.js';
import type { ImportRecord } from '../import.js';
import { Journal } from '../journal.js';
import type { LiveImport, Parking } from '../live.js';
import { ImportRunner } from './runner.js';
import { LIVE_IMPORT_STATES } from '../states.js';
import { ImportsConfigToken } from '../settings.js';

/** Milliseconds after which an import is tried again whose rows could not be read or written. */
const STUMBLE_DELAY = 2_000;

interface Running {
  readonly live: LiveImport;
  readonly done: Promise<void>;
}

/**
 * Decides which imports are worked on: oldest first, so many at once. What has to wait lets go of its
 * place and comes back when time, staging or a slot calls it; who is to be tried again comes back at
 * the end of the queue. Uploads run beside, since their client is waiting.
 */
@injectable()
export class Scheduler {
  readonly #running = new Map<string, Running>();
  readonly #parked = new Map<string, Parking>();
  /** Who was called back by time, and when. */
  readonly #due = new Map<string, Date>();
  /** Bodies of running uploads, until their import is over. */
  readonly #bodies = new Map<string, ClientBody>();
  readonly #stopping = new AbortController();
  /** Counts what has been given back, so that nothing parks that was called meanwhile. */
  #releases = 0;
  /** When this life began. */
  #since = new Date(0);
  #filling: Promise<void> | undefined;
  #fillAgain = false;

  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(ImportRunner) private readonly runner: ImportRunner,
    @inject(Ending) private readonly ending: Ending,
    @inject(Admission) private readonly admission: Admission,
    @inject(ImportsConfigToken) private readonly config: ImportsConfig,
    @inject(Clock) private readonly clock: Clock,
    @inject(Logger) private readonly log: Logger,
  ) {}

  start(): void {
    this.#since = this.clock.now();
    this.admission.onRelease(() => {
      this.#unpark(({ on }) => on === 'staging');
    });
    this.wake();
  }

  /** Looks for imports to work on. */
  wake(): void {
    if (this.#stopping.signal.aborted) return;
    this.#fillAgain = true;
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = undefined;
    });
  }

  /** Begins an import at once, beside the others, with the client's bytes at hand. */
  launch(id: string, body: ClientBody): void {
    this.#bodies.set(id, body);
    this.#launch(id);
  }

  /** The client's bytes are in, or it has gone: nothing more comes of its body. */
  forgetBody(id: string): void {
    this.#bodies.delete(id);
  }

  /** Makes an import look at its rows again: it was cancelled, or is to be reverted once more. */
  interrupt(id: string, reason: CancelledError): void {
    this.#parked.delete(id);
    const running = this.#running.get(id);
    if (running === undefined) this.wake();
    else running.live.controller.abort(reason);
  }

  /**
   * Stops taking imports up, gives the running ones until the deadline, then interrupts them: their
   * rows say where the next start goes on.
   */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping.abort();
    await this.#filling;
    const all = Promise.all([...this.#running.values()].map(({ done }) => done));
    const timer = setTimeout(() => {
      const reason = new CancelledError({
        code: 'SHUTTING_DOWN',
        message: 'The server is shutting down',
      });
      for (const { live } of this.#running.values()) live.controller.abort(reason);
    }, deadlineMs);
    await all;
    clearTimeout(timer);
  }

  async #fill(): Promise<void> {
    while (this.#fillAgain && !this.#stopping.signal.aborted) {
      this.#fillAgain = false;
      const busy = [...this.#running.values()].filter(({ live }) => live.body === undefined);
      const free = this.config.concurrency - busy.length;
      if (free <= 0) return;
      try {
        await this.#takeUp(free);
      } catch (error) {
        this.log.error('Could not look for imports; will try again', {
          failure: describeFailure(error),
        });
        this.#later(new Date(this.clock.now().getTime() + STUMBLE_DELAY), () => {
          this.wake();
        });
      }
    }
  }

  async #takeUp(count: number): Promise<void> {
    const limit = count + this.#running.size + this.#parked.size + this.#due.size;
    const records = await this.journal.read.imports({ states: LIVE_IMPORT_STATES, limit });
    const next = records.filter(
      (record) =>
        !this.#running.has(record.id) &&
        !this.#parked.has(record.id) &&
        !this.#isAboutToLaunch(record),
    );
    next.sort((one, other) => this.#queuedSince(one) - this.#queuedSince(other));
    for (const { id } of next.slice(0, count)) this.#launch(id);
  }

  /** Attempts that fail again and again must not keep the place of an import that was never begun. */
  #queuedSince({ id, createdAt }: ImportRecord): number {
    return (this.#due.get(id) ?? createdAt).getTime();
  }

  /** An upload of this life is launched by its request, which has the body at hand. */
  #isAboutToLaunch({ method, startedAt, createdAt }: ImportRecord): boolean {
    return method === UPLOAD_METHOD && startedAt === null && createdAt >= this.#since;
  }

  #launch(id: string): void {
    if (this.#running.has(id)) return;
    this.#due.delete(id);
    const live: LiveImport = {
      id,
      controller: new AbortController(),
      body: this.#bodies.get(id),
    };
    const done = this.#run(live).finally(() => {
      this.#running.delete(id);
      this.#unpark(({ on }) => on === 'slot');
      this.wake();
    });
    this.#running.set(id, { live, done });
  }

  async #run(live: LiveImport): Promise<void> {
    try {
      const parking = await this.#runUntilParked(live);
      // Interrupted while it made up its mind to wait, it has to look at its rows again.
      if (parking !== undefined && !live.controller.signal.aborted) this.#park(live, parking);
    } catch (error) {
      if (live.controller.signal.aborted) return;
      await this.#stumbled(live, error);
    }
  }

  /** What was given back while the import made up its mind to wait may be what it waits for. */
  async #runUntilParked(live: LiveImport): Promise<Parking | undefined> {
    for (;;) {
      const releases = this.#releases;
      const parking = await this.runner.run(live);
      const mayGoOn = parking !== undefined && parking.on !== 'time' && releases < this.#releases;
      if (!mayGoOn) return parking;
    }
  }

  async #stumbled(live: LiveImport, error: unknown): Promise<void> {
    const failure = describeFailure(error);
    this.log.error('Could not drive an import', {
      import_id: live.id,
      failure,
      ...(error instanceof Error ? { stack: error.stack ?? '' } : {}),
    });
    if (failure.class === 'bug') {
      try {
        await this.ending.failBecauseOfBug(live.id, error);
        return;
      } catch (second) {
        this.log.error('Could not end that import', { failure: describeFailure(second) });
      }
    }
    this.#park(live, {
      on: 'time',
      until: new Date(this.clock.now().getTime() + STUMBLE_DELAY),
    });
  }

  #park({ id }: LiveImport, parking: Parking): void {
    this.#parked.set(id, parking);
    if (parking.on !== 'time') return;
    this.#later(parking.until, () => {
      if (this.#parked.get(id) !== parking) return;
      this.#parked.delete(id);
      this.#due.set(id, parking.until);
      this.wake();
    });
  }

  #unpark(matches: (parking: Parking) => boolean): void {
    this.#releases += 1;
    const called = [...this.#parked].filter(([, parking]) => matches(parking));
    for (const [id] of called) this.#parked.delete(id);
    if (called.length > 0) this.wake();
  }

  #later(until: Date, then: () => void): void {
    const ms = Math.max(0, until.getTime() - this.clock.now().getTime());
    this.clock.sleep(ms, this.#stopping.signal).then(then, () => undefined);
  }
}
