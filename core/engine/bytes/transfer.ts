import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { inject, injectable } from 'inversify';
import { BugError } from '../../base/errors.js';
import type { SharedSeat } from '../../dataflow/pass.js';
import { isFileStore } from '../../plugin/contract/store.js';
import type { FileStore, Store, StoredObject } from '../../plugin/contract/store.js';
import { StagingArea } from '../../staging/area.js';
import type { Generation } from '../../staging/generation.js';

export interface TransferJob {
  readonly generation: Generation;
  /** At a reading that is shared with other stores; `undefined` where the store is alone. */
  readonly seat: SharedSeat | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * Brings the bytes of a generation into a store by the cheapest way that there is: a link, which one
 * store of each generation may have, then a reflink, then one reading for all stores that are left.
 */
@injectable()
export class Transfer {
  constructor(@inject(StagingArea) private readonly staging: StagingArea) {}

  /** Whether a store may be able to link the file of a generation. */
  async canLink(store: Store, generation: Generation): Promise<boolean> {
    if (!isFileStore(store)) return false;
    const paths = [store.root, this.staging.pathOf(generation)];
    const devices = await Promise.all(paths.map((path) => stat(path).then(({ dev }) => dev))).catch(
      // What is wrong with the store shows when it is used.
      () => [],
    );
    return devices.length > 0 && devices.every((device) => device === devices[0]);
  }

  /** Takes the file by a link; `undefined` where that is not possible. */
  async link(job: TransferJob, store: Store, name: string): Promise<StoredObject | undefined> {
    if (!isFileStore(store)) return undefined;
    const object = await this.#takeFile(job, store, name, 'link');
    return object === undefined ? undefined : this.#done(job, object);
  }

  /** Takes the bytes with an inode of the store's own. */
  async copy(job: TransferJob, store: Store, name: string): Promise<StoredObject> {
    if (isFileStore(store)) {
      const cloned = await this.#takeFile(job, store, name, 'clone');
      if (cloned !== undefined) return this.#done(job, cloned);
    }
    const shared = await job.seat?.join(job.signal);
    if (shared === undefined && isFileStore(store)) {
      const copied = await this.#takeFile(job, store, name, 'copy');
      if (copied !== undefined) return this.#done(job, copied);
    }
    return this.#send(job, store, name, shared ?? this.#ownReading(job));
  }

  async #send(
    job: TransferJob,
    store: Store,
    name: string,
    source: Readable,
  ): Promise<StoredObject> {
    const size = sizeOf(job.generation);
    const { signal, onProgress } = job;
    let sent = 0;
    source.on('data', (chunk: Buffer) => {
      sent += chunk.length;
      onProgress(sent, size);
    });
    source.pause();
    try {
      return await store.write(name, source, { size, signal });
    } finally {
      source.destroy();
    }
  }

  #ownReading({ generation }: TransferJob): Readable {
    return createReadStream(this.staging.pathOf(generation), { highWaterMark: 1024 * 1024 });
  }

  #takeFile(
    { generation, signal }: TransferJob,
    store: FileStore,
    name: string,
    share: 'link' | 'clone' | 'copy',
  ): Promise<StoredObject | undefined> {
    return store.takeFile(name, this.staging.pathOf(generation), { share, signal });
  }

  /** Nothing had to be read. */
  #done(job: TransferJob, object: StoredObject): StoredObject {
    const size = sizeOf(job.generation);
    job.seat?.leave();
    job.onProgress(size, size);
    return object;
  }
}

function sizeOf({ id, size }: Generation): number {
  if (size !== null) return size;
  throw new BugError({
    code: 'GENERATION_NOT_READY',
    message: `Generation ${id} is stored before it is ready`,
  });
}
