import type { Clock } from '../base/clock.js';
import { describeFailure } from '../base/errors.js';
import type { PluginLog } from '../plugin/contract/services.js';
import type { StoreRegistry } from './registry.js';

/** Milliseconds until a store that is down is tried again; twice as many after each try. */
const FIRST_INTERVAL = 500;
const MAX_INTERVAL = 30_000;

/** Says which stores are down, and tries them again until they can be used. */
export class StoreSupervision {
  readonly #stopping = new AbortController();
  #watching: Promise<void> = Promise.resolve();

  /** @param holding answers which stores hold images */
  constructor(
    private readonly registry: StoreRegistry,
    private readonly holding: () => Promise<ReadonlySet<string>>,
    private readonly clock: Clock,
    private readonly log: Pick<PluginLog, 'info' | 'warn' | 'error'>,
  ) {}

  /** @throws as {@link StoreRegistry.start} */
  async start(): Promise<void> {
    const outages = await this.registry.start(await this.holding());
    for (const { id, error } of outages) {
      this.log.error('A store cannot be used; the server works without it and tries it again', {
        store: id,
        failure: describeFailure(error),
      });
    }
    if (outages.length > 0) this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
    await this.registry.stop();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    let interval = FIRST_INTERVAL;
    while (this.registry.outages().length > 0) {
      await this.clock.sleep(interval, signal).catch(() => undefined);
      if (signal.aborted) return;
      interval = Math.min(MAX_INTERVAL, interval * 2);
      await this.#round().catch((error: unknown) => {
        this.log.warn('Could not try the stores that are down', {
          failure: describeFailure(error),
        });
      });
    }
  }

  async #round(): Promise<void> {
    for (const id of await this.registry.revive(await this.holding())) {
      this.log.info('A store can be used again', { store: id });
    }
  }
}
