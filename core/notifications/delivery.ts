import { backoffDelay } from '../base/backoff.js';
import type { Clock } from '../base/clock.js';
import { describeFailure } from '../base/errors.js';
import type { Database } from '../engine/ports.js';
import type { Notification } from '../engine/notification.js';
import type { Logger } from '../telemetry/logger.js';
import type { NotificationTarget } from './target.js';

/** Notifications that are read at once. */
const BATCH = 100;
const BACKOFF = { backoffMs: 1_000, maxBackoffMs: 60_000 };

export interface DeliveryParts {
  readonly database: Database;
  /** Milliseconds after which one that the target does not take is given up. */
  readonly retentionMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Brings notifications to one target, in the order of the commits. */
export class Delivery {
  readonly #stopping = new AbortController();
  #passed = 0;
  #wake: () => void = () => undefined;
  #isWoken = true;

  /** @param onPassed notes how far {@link passed} is; called again after it has failed */
  constructor(
    private readonly target: NotificationTarget,
    private readonly parts: DeliveryParts,
    private readonly onPassed: () => Promise<void>,
  ) {}

  /** All up to this number have been taken, or given up. */
  get passed(): number {
    return this.#passed;
  }

  /** Says that there are new ones. */
  wake(): void {
    this.#isWoken = true;
    this.#wake();
  }

  /** Makes {@link run} end; breaks off what is being sent. */
  stop(): void {
    this.#stopping.abort();
    this.#wake();
  }

  /** Resolves when it has been stopped. */
  async run(): Promise<void> {
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
    // What has been brought, and could not be noted then.
    await this.onPassed();
    for (;;) {
      this.#isWoken = false;
      const batch = await this.parts.database.read.notifications(this.#passed, BATCH);
      if (batch.length === 0) return;
      try {
        for (const notification of batch) await this.#bring(notification);
      } finally {
        await this.onPassed();
      }
    }
  }

  async #bring(notification: Notification): Promise<void> {
    const { id, type, sequence } = notification;
    if (this.#isTooOld(notification)) {
      this.parts.log.warn('A notification was given up', { message_id: id, event_type: type });
    } else {
      await this.target.send(notification, this.#stopping.signal);
    }
    this.#passed = sequence;
  }

  #isTooOld({ at }: Notification): boolean {
    const { clock, retentionMs } = this.parts;
    return clock.now().getTime() - at.getTime() > retentionMs;
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
