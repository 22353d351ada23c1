import { Delivery } from './delivery.js';
import type { DeliveryParts } from './delivery.js';
import type { NotificationTarget } from './target.js';

export interface DispatcherParts extends DeliveryParts {
  /** Each gets every notification, at its own pace. */
  readonly targets: readonly NotificationTarget[];
}

/**
 * Brings notifications to their targets, each at least once: a row goes when all targets have passed
 * it, so a crash or an outage makes some come again and loses none. No target waits for another.
 */
export class Dispatcher {
  readonly #deliveries: readonly Delivery[];
  #deleted = 0;
  #running: Promise<unknown> | undefined;

  constructor(private readonly parts: DispatcherParts) {
    this.#deliveries = parts.targets.map(
      (target) => new Delivery(target, parts, () => this.#deletePassed()),
    );
  }

  start(): void {
    this.#running ??= Promise.all(this.#deliveries.map((delivery) => delivery.run()));
  }

  /** Says that there are new ones. */
  wake(): void {
    for (const delivery of this.#deliveries) delivery.wake();
  }

  /** Breaks off what is being sent: it comes again with the next start. */
  async stop(): Promise<void> {
    for (const delivery of this.#deliveries) delivery.stop();
    await this.#running;
  }

  async #deletePassed(): Promise<void> {
    const through = Math.min(...this.#deliveries.map(({ passed }) => passed));
    if (through <= this.#deleted) return;
    await this.parts.database.write((tx) => tx.deleteNotifications(through));
    this.#deleted = Math.max(this.#deleted, through);
  }
}
