import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { inject, injectable } from 'inversify';
import { crashPoint } from '../../base/crash-point.js';
import { CancelledError } from '../../base/errors.js';
import type { Store, StoredObject } from '../../plugin/contract/store.js';
import type { PlacedLocation } from '../../plugin/contract/task.js';
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

/**
 * Puts a generation into a store: the store protocol. Pending row → link, copy or upload → commit
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
    const earlier = await this.#earlier(job);
    const placed = earlier.find(({ state }) => state === 'placed');
    if (placed?.url != null) return { store: job.store, url: placed.url };
    const location = await this.#begin(job, store, earlier);
    try {
      const object = await this.#write(job, store, location);
      crashPoint('store:bytes-durable');
      await this.#commit(location, object);
      crashPoint('store:placed-committed');
      return { store: job.store, url: object.url };
    } catch (error) {
      await this.#abandon([location]);
      throw error;
    }
  }

  /** Bytes of what a store holds under a URL that somebody else has made. */
  stat(store: string, url: string): Promise<{ readonly size: number }> {
    return this.stores.get(store).stat(url);
  }

  open(store: string, url: string, signal: AbortSignal): Promise<Readable> {
    return this.stores.get(store).open(url, { signal });
  }

  async #earlier({ imageId, importId, store }: PlacementJob): Promise<readonly Location[]> {
    return this.journal.read.locations({
      imageId,
      importId,
      store,
      states: ['pending', 'placed'],
    });
  }

  async #begin(job: PlacementJob, store: Store, earlier: readonly Location[]): Promise<Location> {
    await this.#abandon(earlier);
    const id = randomUUID();
    const { imageId, importId, generation } = job;
    const { epoch } = this.worker;
    const canLink = await this.transfer.canLink(store, generation);
    crashPoint('store:before-intent');
    const location = await this.journal.write(async ({ tx, at }) => {
      const siblings = await tx.locations({ imageId, states: ['pending', 'placed', 'active'] });
      const linked = siblings.some(({ linkedGeneration }) => linkedGeneration === generation.id);
      const pending: Location = {
        id,
        imageId,
        importId,
        store: job.store,
        objectName: `${imageId}/${importId}.${epoch}.${id.slice(0, 8)}`,
        url: null,
        state: 'pending',
        epoch,
        metadata: {},
        linkedGeneration: canLink && !linked ? generation.id : null,
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
