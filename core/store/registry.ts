import { NotFoundError } from '../base/errors.js';
import type { Store } from '../plugin/contract/store.js';
import type { StoreInfo, Stores } from '../plugin/contract/services.js';

export interface RegisteredStore {
  readonly info: StoreInfo;
  readonly store: Store;
}

/** The configured stores by id, in config order. Exactly one is the default. */
export class StoreRegistry implements Stores {
  readonly #stores: ReadonlyMap<string, RegisteredStore>;

  constructor(stores: readonly RegisteredStore[]) {
    this.#stores = new Map(stores.map((registered) => [registered.info.id, registered]));
  }

  /** Gets every store ready. @throws what the first store that cannot be used throws */
  async start(): Promise<void> {
    for (const { store } of this.#stores.values()) await store.start?.();
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

  /** @throws {NotFoundError} `STORE_NOT_FOUND` */
  get(id: string): Store {
    return this.#registered(id).store;
  }

  has(id: string): boolean {
    return this.#stores.has(id);
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
