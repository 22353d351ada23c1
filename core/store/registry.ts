import { InvalidInputError, NotFoundError, StowageError, TransientError } from '../base/errors.js';
import { isVolumeStore } from '../plugin/contract/store.js';
import type { Store } from '../plugin/contract/store.js';
import type { StoreInfo, Stores } from '../plugin/contract/services.js';

export interface RegisteredStore {
  readonly info: StoreInfo;
  readonly store: Store;
}

/** A store that could not be got ready. */
export interface StoreOutage {
  readonly id: string;
  readonly error: unknown;
}

/**
 * The configured stores by id, in config order. Exactly one is the default. A store that cannot be
 * got ready is down: whoever asks for it is told so, and the others work.
 */
export class StoreRegistry implements Stores {
  readonly #stores: ReadonlyMap<string, RegisteredStore>;
  readonly #down = new Map<string, unknown>();

  constructor(stores: readonly RegisteredStore[]) {
    this.#stores = new Map(stores.map((registered) => [registered.info.id, registered]));
  }

  /**
   * Gets every store ready; answers those that are down.
   * @param holding the stores that hold images, as the database knows
   * @throws {InvalidInputError} of the first store whose configuration is wrong
   */
  async start(holding: ReadonlySet<string>): Promise<readonly StoreOutage[]> {
    for (const id of this.#stores.keys()) await this.#begin(id, holding.has(id));
    return this.outages();
  }

  /** Tries those that are down again; answers which of them can be used now. */
  async revive(holding: ReadonlySet<string>): Promise<readonly string[]> {
    const down = [...this.#down.keys()];
    for (const id of down) await this.#begin(id, holding.has(id));
    return down.filter((id) => !this.#down.has(id));
  }

  outages(): readonly StoreOutage[] {
    return [...this.#down].map(([id, error]) => ({ id, error }));
  }

  async stop(): Promise<void> {
    for (const { store } of this.#stores.values()) await store.stop?.();
  }

  list(): readonly StoreInfo[] {
    return [...this.#stores.values()].map(({ info }) => info);
  }

  info(id: string): StoreInfo {
    return this.#registered(id).info;
  }

  /** What the driver says of a store, for administrators. */
  properties(id: string): ReturnType<NonNullable<Store['properties']>> {
    return this.#registered(id).store.properties?.() ?? {};
  }

  /**
   * @throws {NotFoundError} `STORE_NOT_FOUND`
   * @throws {TransientError} `STORE_UNAVAILABLE` while it is down
   */
  get(id: string): Store {
    const { store } = this.#registered(id);
    if (this.#down.has(id)) throw unavailable(id, this.#down.get(id));
    return store;
  }

  /** Whether the storage of a store holds volumes too. */
  makesVolumes(id: string): boolean {
    return isVolumeStore(this.#registered(id).store);
  }

  async stat(id: string, url: string): Promise<{ readonly size: number }> {
    return this.get(id).stat(url);
  }

  has(id: string): boolean {
    return this.#stores.has(id);
  }

  async #begin(id: string, holdsObjects: boolean): Promise<void> {
    try {
      await this.#registered(id).store.start?.({ holdsObjects });
      this.#down.delete(id);
    } catch (error) {
      if (error instanceof InvalidInputError) throw error;
      this.#down.set(id, error);
    }
  }

  #registered(id: string): RegisteredStore {
    const registered = this.#stores.get(id);
    if (registered !== undefined) return registered;
    throw new NotFoundError({
      code: 'STORE_NOT_FOUND',
      message: `No store "${id}" is configured`,
      hint: `The configured stores are: ${[...this.#stores.keys()].join(', ')}`,
    });
  }
}

function unavailable(id: string, reason: unknown): TransientError {
  const hint = reason instanceof StowageError ? reason.hint : undefined;
  return new TransientError({
    code: 'STORE_UNAVAILABLE',
    message: `Store "${id}" cannot be used for now: ${reason instanceof Error ? reason.message : String(reason)}`,
    hint: hint ?? 'The operator finds the reason in the log; the store is tried again by itself',
    cause: reason,
  });
}
