import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { inject, injectable } from 'inversify';
import { crashPoint } from '../../base/crash-point.js';
import { CancelledError, UnsupportedError } from '../../base/errors.js';
import type { JsonObject } from '../../base/json.js';
import type { Image } from '../../image/image.js';
import { isCloningStore } from '../../plugin/contract/store.js';
import type {
  CloneOrigin,
  CloningStore,
  Store,
  StoredObject,
  PlacedLocation,
} from '../../plugin/contract/store.js';
import type { Location } from '../../store/location.js';
import { StoreRegistry } from '../../store/registry.js';
import { Janitor } from './janitor.js';
import { Transfer } from './transfer.js';
import type { TransferJob } from './transfer.js';
import { Journal } from '../journal.js';
import { Worker } from '../live.js';

export interface PlacementJob extends TransferJob {
  readonly imageId: string;
  readonly importId: string;
  readonly store: string;
}

export interface CloneJob {
  readonly importId: string;
  readonly image: Image;
  readonly store: string;
  readonly origin: JsonObject;
  readonly signal: AbortSignal;
}

interface Place {
  readonly imageId: string;
  readonly importId: string;
  readonly store: string;
}

interface Making {
  readonly linked: string | null;
  readonly make: (location: Location) => Promise<StoredObject>;
}

/**
 * Puts a generation, or a clone of what the storage holds, into a store: the store protocol. Pending
 * row → link, copy, upload or clone → commit
 * the location. The name given to the store holds import and epoch, so that two lives never write
 * the same object.
 */
@injectable()
export class Placement {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(StoreRegistry) private readonly stores: StoreRegistry,
    @inject(Transfer) private readonly transfer: Transfer,
    @inject(Janitor) private readonly janitor: Janitor,
    @inject(Worker) private readonly worker: Worker,
  ) {}

  /** Repeating it answers the location that the first call has made. */
  async place(job: PlacementJob): Promise<PlacedLocation> {
    const store = this.stores.get(job.store);
    const { imageId, importId } = job;
    return this.#placed(
      { imageId, importId, store: job.store },
      {
        linked: (await this.transfer.canLink(store, job.generation)) ? job.generation.id : null,
        make: (location) => this.#write(job, store, location),
      },
    );
  }

  /** As {@link place}, of something that the storage holds. */
  clone({ importId, image, store: id, origin, signal }: CloneJob): Promise<PlacedLocation> {
    const store = this.#cloning(id);
    return this.#placed(
      { imageId: image.id, importId, store: id },
      {
        linked: null,
        make: ({ objectName }) => store.clone(objectName, origin, { image, signal }),
      },
    );
  }

  /** @throws as {@link CloningStore.examine}; {UnsupportedError} `STORE_CANNOT_CLONE` */
  examine(
    store: string,
    origin: JsonObject,
    options: { readonly image: Image; readonly signal: AbortSignal },
  ): Promise<CloneOrigin> {
    return this.#cloning(store).examine(origin, options);
  }

  /** Bytes of what a store holds under a URL that somebody else has made. */
  stat(store: string, url: string): Promise<{ readonly size: number }> {
    return this.stores.stat(store, url);
  }

  open(store: string, url: string, signal: AbortSignal): Promise<Readable> {
    return this.stores.get(store).open(url, { signal });
  }

  #cloning(id: string): CloningStore {
    const store = this.stores.get(id);
    if (isCloningStore(store)) return store;
    throw new UnsupportedError({
      code: 'STORE_CANNOT_CLONE',
      message: `Store "${id}" cannot clone what its storage holds`,
      hint: 'Name a store whose storage also holds volumes',
    });
  }

  async #placed(place: Place, { linked, make }: Making): Promise<PlacedLocation> {
    const earlier = await this.journal.read.locations({ ...place, states: ['pending', 'placed'] });
    const placed = earlier.find(({ state }) => state === 'placed');
    if (placed?.url != null) return { store: place.store, url: placed.url };
    await this.#abandon(earlier);
    const location = await this.#begin(place, linked);
    try {
      const object = await make(location);
      crashPoint('store:bytes-durable');
      await this.#commit(location, object);
      crashPoint('store:placed-committed');
      return { store: place.store, url: object.url };
    } catch (error) {
      await this.#abandon([location]);
      throw error;
    }
  }

  /** @param linked the generation whose file the store may link, unless another store does already */
  async #begin({ imageId, importId, store }: Place, linked: string | null): Promise<Location> {
    const id = randomUUID();
    const { epoch } = this.worker;
    crashPoint('store:before-intent');
    const location = await this.journal.write(async ({ tx, at }) => {
      const siblings = await tx.locations({ imageId, states: ['pending', 'placed', 'active'] });
      const isLinked = siblings.some(({ linkedGeneration }) => linkedGeneration === linked);
      const pending: Location = {
        id,
        imageId,
        importId,
        store,
        objectName: `${imageId}/${importId}.${epoch}.${id.slice(0, 8)}`,
        url: null,
        state: 'pending',
        epoch,
        metadata: {},
        linkedGeneration: isLinked ? null : linked,
        createdAt: at,
      };
      await tx.insertLocation(pending);
      return pending;
    });
    crashPoint('store:intent-committed');
    return location;
  }

  async #write(job: PlacementJob, store: Store, location: Location): Promise<StoredObject> {
    const { objectName } = location;
    if (location.linkedGeneration !== null) {
      const linked = await this.transfer.link(job, store, objectName);
      if (linked !== undefined) return linked;
      await this.journal.write(({ tx }) =>
        tx.updateLocation(location.id, { state: ['pending'] }, { linkedGeneration: null }),
      );
    }
    return this.transfer.copy(job, store, objectName);
  }

  async #commit(location: Location, object: StoredObject): Promise<void> {
    const committed = await this.journal.write(({ tx }) =>
      tx.updateLocation(
        location.id,
        { state: ['pending'] },
        { state: 'placed', url: object.url, metadata: object.metadata ?? {} },
      ),
    );
    if (committed) return;
    throw new CancelledError({
      code: 'IMAGE_DELETED',
      message: `Image ${location.imageId} was deleted while it was stored in "${location.store}"`,
    });
  }

  async #abandon(locations: readonly Location[]): Promise<void> {
    if (locations.length === 0) return;
    await this.journal.write(async ({ tx }) => {
      for (const { id } of locations) {
        await tx.updateLocation(id, { state: ['pending', 'placed'] }, { state: 'deleting' });
      }
    });
    this.janitor.wake();
  }
}
