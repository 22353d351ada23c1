import { inject, injectable } from 'inversify';
import { CapacityError, ConflictError, NotFoundError } from '../../base/errors.js';
import { formatByteSize } from '../../base/byte-size.js';
import type { ImagesConfig } from '../../config/config.js';
import { Plugins } from '../../plugin/plugins.js';
import type { ByteObserver } from '../../plugin/contract/task.js';
import type { Image } from '../../image/image.js';
import { DataAdmission } from '../bytes/data-admission.js';
import { Journal } from '../journal.js';
import { ImagesConfigToken } from '../settings.js';

/** What stands before and behind every way for a client's bytes into staging. */
@injectable()
export class StagingGate {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(DataAdmission) private readonly admission: DataAdmission,
    @inject(Plugins) private readonly plugins: Plugins,
    @inject(ImagesConfigToken) private readonly config: ImagesConfig,
  ) {}

  /** @throws {NotFoundError} `IMAGE_NOT_FOUND`; {ConflictError} `IMAGE_STATE` */
  async stageable(imageId: string): Promise<Image> {
    const image = await this.journal.read.image(imageId);
    if (image?.status === 'queued') return image;
    throw await this.notStageable(imageId);
  }

  /** Why the image takes no bytes into staging. */
  async notStageable(imageId: string): Promise<Error> {
    const image = await this.journal.read.image(imageId);
    if (image === undefined) {
      return new NotFoundError({
        code: 'IMAGE_NOT_FOUND',
        message: `No image ${imageId}`,
        hint: 'List the images to see which there are',
      });
    }
    return new ConflictError({
      code: 'IMAGE_STATE',
      message: `Image ${imageId} is "${image.status}", staging needs it to be "queued"`,
      hint: 'Import what is staged already, or create another image',
    });
  }

  /**
   * Only when no other staging is there: a second `PUT …/stage` fails without touching the first.
   */
  async backToQueued(imageId: string): Promise<void> {
    await this.journal.write(async ({ tx, at }) => {
      const others = await tx.generations({ imageId, states: ['writing', 'ready'] });
      if (others.length > 0) return;
      await tx.updateImage(imageId, { status: ['uploading'] }, { status: 'queued' }, at);
    });
  }

  /** @throws {CapacityError} `IMAGE_TOO_LARGE` · `STAGING_FULL` · `STAGING_TOO_SMALL` */
  async assertFits(size: number | undefined): Promise<void> {
    if (size !== undefined && size > this.config.maxSize) {
      throw new CapacityError({
        code: 'IMAGE_TOO_LARGE',
        message: `The image has ${formatByteSize(size)}, at most ${formatByteSize(this.config.maxSize)} are allowed`,
        hint: 'Send a smaller image, or ask the operator to raise images.max_size',
      });
    }
    await this.admission.assertRoom(size);
  }

  /** Nobody knows yet which pipeline the import will take: every observer watches. */
  async observers(
    image: Image,
    expectedSize: number | undefined,
  ): Promise<ReadonlyMap<string, ByteObserver>> {
    const observers = new Map<string, ByteObserver>();
    for (const { entry, frozenConfig } of this.plugins.pipelines.flatMap(({ tasks }) => tasks)) {
      const loaded = await this.plugins.task({
        entry: entry.id,
        plugin: entry.plugin,
        config: frozenConfig,
      });
      const observer = loaded.task.observe?.({ expectedSize, image });
      if (observer !== undefined) observers.set(loaded.observerKey, observer);
    }
    return observers;
  }
}
