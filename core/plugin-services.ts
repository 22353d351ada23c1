import { systemClock } from './base/clock.js';
import { createGuardedFetch } from './client/guarded-fetch.js';
import { createIdentity } from './client/keystone/identity.js';
import type { Config } from './config/config.js';
import { ThreadedDataflow } from './dataflow/threaded-dataflow.js';
import type { Database } from './engine/ports.js';
import type { ServiceBindings, ServiceOwner } from './plugin/construct.js';
import type { Images, PluginState } from './plugin/contract/services.js';
import { createPrograms } from './process/programs.js';
import { createQemuImg } from './process/qemu-img.js';
import { BugError } from './base/errors.js';
import type { Logger } from './telemetry/logger.js';
import type { ServerMetrics } from './telemetry/metrics.js';

/**
 * What plugins are constructed with. Plugins exist before the database is open, so that a bad config
 * stops the start before anything is touched; `connect` gives them the rest.
 */
export class PluginServices {
  readonly dataflow = new ThreadedDataflow();
  readonly #fetch = createGuardedFetch();
  readonly #identity = createIdentity(systemClock);
  readonly #programs: ReturnType<typeof createPrograms>;
  readonly #qemuImg: ReturnType<typeof createQemuImg>;
  #connected: { readonly database: Database; readonly images: Images } | undefined;

  constructor(
    config: Config,
    private readonly log: Logger,
    private readonly metrics: ServerMetrics,
  ) {
    this.#programs = createPrograms(config.programs, (message) => {
      log.warn(message);
    });
    this.#qemuImg = createQemuImg(this.#programs, config.programs);
  }

  connect(database: Database, images: Images): void {
    this.#connected = { database, images };
  }

  /** Ends threads and connections. */
  async stop(): Promise<void> {
    await this.dataflow.stop();
    await this.#fetch.stop();
  }

  of(owner: ServiceOwner): ServiceBindings {
    return {
      log: this.log.child({ plugin: owner.plugin, [owner.kind]: owner.id }),
      metrics: this.metrics.forPlugin(owner.plugin),
      state: this.#state(owner.plugin),
      images: {
        get: (id) => this.#connection().images.get(id),
        locations: (id) => this.#connection().images.locations(id),
        open: (id, options) => this.#connection().images.open(id, options),
      },
      programs: this.#programs,
      qemuImg: this.#qemuImg,
      fetch: this.#fetch,
      identity: this.#identity,
      files: {
        copy: (from, to, signal) => this.dataflow.copyFile(from, to, signal),
        clone: (from, to, signal) => this.dataflow.cloneFile(from, to, signal),
      },
      clock: systemClock,
    };
  }

  #state(plugin: string): PluginState {
    const write = (key: string, value: Parameters<PluginState['set']>[1] | undefined) =>
      this.#connection().database.write((tx) => tx.setPluginState(plugin, key, value));
    return {
      get: (key) => this.#connection().database.read.pluginState(plugin, key),
      set: (key, value) => write(key, value),
      delete: (key) => write(key, undefined),
    };
  }

  #connection(): { readonly database: Database; readonly images: Images } {
    if (this.#connected !== undefined) return this.#connected;
    throw new BugError({
      code: 'NOT_STARTED',
      message: 'A plugin used a service of the server before the server was started',
    });
  }
}
