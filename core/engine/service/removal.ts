import { inject, injectable } from 'inversify';
import { crashPoint } from '../../base/crash-point.js';
import { CancelledError, NotFoundError } from '../../base/errors.js';
import type { ImageStatus } from '../../image/image.js';
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
      if (!deleted) {
        throw new NotFoundError({
          code: 'IMAGE_NOT_FOUND',
          message: `No image ${imageId}`,
          hint: 'List the images to see which there are',
        });
      }
      for (const { id } of await tx.locations({ imageId, states: ['active'] })) {
        await tx.updateLocation(id, { state: ['active'] }, { state: 'deleting' });
      }
      for (const { id } of await tx.generations({ imageId, importId: null, states: ['ready'] })) {
        await tx.updateGeneration(id, { state: ['ready'] }, { state: 'releasing' });
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
}
