import { inject, injectable } from 'inversify';
import { crashPoint } from '../../base/crash-point.js';
import { CancelledError, ConflictError, ForbiddenError, NotFoundError } from '../../base/errors.js';
import type { Image, ImageStatus } from '../../image/image.js';
import { LISTED_STATUSES } from '../../image/query.js';
import { ActiveStagings } from './active-stagings.js';
import { Janitor } from '../bytes/janitor.js';
import { Journal } from '../journal.js';
import { Scheduler } from '../run/scheduler.js';
import type { Removal } from '../service.js';

const DELETABLE: readonly ImageStatus[] = LISTED_STATUSES;

/** Deletes images. What an import is doing with one is cancelled; the bytes go in the background. */
@injectable()
export class RemovalService implements Removal {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Scheduler) private readonly scheduler: Scheduler,
    @inject(Janitor) private readonly janitor: Janitor,
    @inject(ActiveStagings) private readonly stagings: ActiveStagings,
  ) {}

  async deleteImage(imageId: string): Promise<void> {
    crashPoint('delete:before-commit');
    const live = await this.journal.write(async ({ tx, at, event }) => {
      const deleted = await tx.updateImage(
        imageId,
        { status: DELETABLE },
        { status: 'deleted' },
        at,
      );
      if (!deleted) throw imageNotFound(imageId);
      for (const { id } of await tx.locations({ imageId, states: ['active'] })) {
        await tx.updateLocation(id, { state: ['active'] }, { state: 'deleting' });
      }
      for (const { id } of await tx.generations({ imageId, importId: null, states: ['ready'] })) {
        await tx.updateGeneration(id, { state: ['ready'] }, { state: 'releasing' });
      }
      // An upload that is being sent is released by its own end.
      if (!this.stagings.has(imageId)) {
        const states = ['writing'] as const;
        for (const { id } of await tx.generations({ imageId, states, resumable: true })) {
          await tx.updateGeneration(id, { state: states }, { state: 'releasing' });
        }
      }
      const record = await tx.liveImport(imageId);
      if (record === undefined) return undefined;
      const asked = await tx.requestCancel(record.id, 'deleted');
      if (asked) await event(record.id, 'import.cancel_requested', { reason: 'deleted' });
      return record;
    });
    crashPoint('delete:committed');
    this.stagings.abort(imageId);
    if (live !== undefined) {
      this.scheduler.interrupt(
        live.id,
        new CancelledError({ code: 'IMAGE_DELETED', message: 'The image was deleted' }),
      );
    }
    this.janitor.wake();
  }

  async removeFromStore(imageId: string, store: string): Promise<void> {
    await this.journal.write(async ({ tx, at }) => {
      const image = await tx.image(imageId);
      if (image === undefined) throw imageNotFound(imageId);
      if (image.status !== 'active') throw notActive(image);
      const locations = await tx.locations({ imageId, states: ['active'] });
      const location = locations.find((held) => held.store === store);
      if (location === undefined) throw notInStore(imageId, store);
      if (locations.length === 1) throw lastLocation(imageId, store);
      await tx.updateLocation(location.id, { state: ['active'] }, { state: 'deleting' });
      await tx.updateImage(imageId, { status: ['active'] }, {}, at);
    });
    this.janitor.wake();
  }
}

function imageNotFound(imageId: string): NotFoundError {
  return new NotFoundError({
    code: 'IMAGE_NOT_FOUND',
    message: `No image ${imageId}`,
    hint: 'List the images to see which there are',
  });
}

function notActive({ id, status }: Image): ConflictError {
  return new ConflictError({
    code: 'IMAGE_STATE',
    message: `Image ${id} is "${status}", only an active one can be removed from a store`,
    hint: 'Wait until the image is active, or delete it',
  });
}

function notInStore(imageId: string, store: string): NotFoundError {
  return new NotFoundError({
    code: 'NOT_IN_STORE',
    message: `Image ${imageId} is not in store "${store}"`,
    hint: 'Show the image: "stores" lists those that hold it',
  });
}

function lastLocation(imageId: string, store: string): ForbiddenError {
  return new ForbiddenError({
    code: 'LAST_LOCATION',
    message: `Store "${store}" is the only one that holds image ${imageId}`,
    hint: 'Delete the image instead, or copy it to another store first',
  });
}
