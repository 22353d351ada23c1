import { backoffDelay } from '../base/backoff.js';
import type { Clock } from '../base/clock.js';
import { describeFailure } from '../base/errors.js';
import type { Database } from '../engine/ports.js';
import type { Notification } from '../engine/notification.js';
import type { Logger } from '../telemetry/logger.js';
import type { NotificationTarget } from './target.js';

/** Notifications that are read at once, and deleted together. */
const BATCH = 100;
const BACKOFF = { backoffMs: 1_000, maxBackoffMs: 60_000 };

export interface DispatcherParts {
  readonly database: Database;
  /** Each gets every notification, in this order. */
  readonly targets: readonly NotificationTarget[];
  /** Milliseconds after which one that nobody takes is given up. */
  readonly retentionMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Brings notifications to their targets in the order of the commits, each at least once: a row goes
 * when all targets have taken it, so a crash or an outage makes some come again and loses none.
 */
export class Dispatcher {
  readonly #stopping = new AbortController();
  #wake: () => void = () => undefined;
  #isWoken = true;
  #running: Promise<void> | undefined;

  constructor(private readonly parts: DispatcherParts) {}

  start(): void {
    this.#running ??= this.#run();
  }

  /** Says that there are new ones. */
  wake(): void {
    this.#isWoken = true;
    this.#wake();
  }

  /** Breaks off what is being sent: it comes again with the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#isStopping()) {
      try {
        await this.#deliver();
        failures = 0;
        await this.#untilWoken();
      } catch (error) {
        if (this.#isStopping()) return;
        failures += 1;
        await this.#wait(failures, error);
      }
    }
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Until there are none. */
  async #deliver(): Promise<void> {
    const { database } = this.parts;
    for (;;) {
      this.#isWoken = false;
      const batch = await database.read.notifications(BATCH);
      if (batch.length === 0) return;
      await this.#deliverAll(batch);
    }
  }

  async #deliverAll(batch: readonly Notification[]): Promise<void> {
    const { database, targets, log } = this.parts;
    const delivered: Notification[] = [];
    try {
      for (const notification of batch) {
        if (this.#isTooOld(notification)) {
          const { id, type } = notification;
          log.warn('A notification was given up', { message_id: id, event_type: type });
        } else {
          for (const target of targets) await target.send(notification, this.#stopping.signal);
        }
        delivered.push(notification);
      }
    } finally {
      const last = delivered.at(-1);
      if (last !== undefined) await database.write((tx) => tx.deleteNotifications(last.sequence));
    }
  }

  #isTooOld({ at }: Notification): boolean {
    return this.parts.clock.now().getTime() - at.getTime() > this.parts.retentionMs;
  }

  async #untilWoken(): Promise<void> {
    if (this.#isWoken || this.#isStopping()) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  async #wait(failures: number, error: unknown): Promise<void> {
    const { clock, log } = this.parts;
    const ms = backoffDelay(failures, BACKOFF);
    log.warn('Could not bring a notification to its target; will try again', {
      failure: describeFailure(error),
      attempt: failures,
      retry_in_ms: ms,
    });
    await clock.sleep(ms, this.#stopping.signal).catch(() => undefined);
  }
}
