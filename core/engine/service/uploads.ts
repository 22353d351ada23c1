import { inject, injectable } from 'inversify';
import {
  CapacityError,
  CancelledError,
  ConflictError,
  ForbiddenError,
  NotFoundError,
  failureError,
} from '../../base/errors.js';
import { formatByteSize } from '../../base/byte-size.js';
import type { ImagesConfig, ImportsConfig } from '../../config/config.js';
import { Plugins } from '../../plugin/plugins.js';
import type { ByteObserver } from '../../plugin/contract/task.js';
import type { Image } from '../../image/image.js';
import { Logger } from '../../telemetry/logger.js';
import { ActiveStagings } from './active-stagings.js';
import { Admission } from '../bytes/admission.js';
import { UPLOAD_METHOD } from '../flow/flow.js';
import { Incoming } from '../bytes/incoming.js';
import { Intake } from './intake.js';
import { Journal } from '../journal.js';
import { Scheduler } from '../run/scheduler.js';
import { Imports } from '../service.js';
import type { Upload, Uploads } from '../service.js';
import { ImagesConfigToken, ImportsConfigToken, UploadIdleTimeout } from '../settings.js';

/** Takes what clients send: into staging, or through an import while they wait. */
@injectable()
export class UploadService implements Uploads {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Intake) private readonly intake: Intake,
    @inject(Scheduler) private readonly scheduler: Scheduler,
    @inject(Imports) private readonly imports: Imports,
    @inject(Incoming) private readonly incoming: Incoming,
    @inject(Admission) private readonly admission: Admission,
    @inject(Plugins) private readonly plugins: Plugins,
    @inject(ActiveStagings) private readonly stagings: ActiveStagings,
    @inject(ImagesConfigToken) private readonly config: ImagesConfig,
    @inject(ImportsConfigToken) private readonly importsConfig: ImportsConfig,
    @inject(UploadIdleTimeout) private readonly idleTimeoutMs: number,
    @inject(Logger) private readonly log: Logger,
  ) {}

  async upload({ imageId, caller, body, store, signal }: Upload): Promise<void> {
    const { uploads } = this.importsConfig;
    if (uploads === 'refuse') throw uploadsRefused();
    await this.#assertFits(body.size);
    const record = await this.intake.begin(
      {
        imageId,
        method: UPLOAD_METHOD,
        params: {},
        ...(store === undefined ? {} : { stores: [store] }),
        caller,
      },
      { acknowledged_when_staged: uploads === 'full' },
    );
    const over = new AbortController();
    const gone = () => {
      body.stream.destroy(clientGone());
    };
    signal.addEventListener('abort', gone, { once: true, signal: over.signal });
    try {
      this.scheduler.launch(record.id, body);
      await (uploads === 'full'
        ? this.#staged(record.id, over.signal)
        : this.#succeeded(record.id, over.signal));
    } finally {
      over.abort();
      this.scheduler.forgetBody(record.id);
    }
  }

  async #succeeded(importId: string, signal: AbortSignal): Promise<void> {
    const { state, failure } = await this.imports.finished(importId, signal);
    if (state === 'succeeded') return;
    throw failureError(failure ?? describedCancel());
  }

  /** Resolves when the bytes are durable: the rest goes on without the client. */
  async #staged(importId: string, signal: AbortSignal): Promise<void> {
    for await (const update of this.imports.follow(importId, 0, signal)) {
      if (update.kind !== 'event') continue;
      const { type, data } = update.event;
      if (type === 'task.succeeded' && data['position'] === 0) return;
    }
    await this.#succeeded(importId, signal);
  }

  async stage({ imageId, body, signal }: Omit<Upload, 'store'>): Promise<void> {
    const image = await this.#stageable(imageId);
    await this.#assertFits(body.size);
    const staging = this.stagings.begin(imageId, signal);
    try {
      await this.incoming.receive(
        {
          imageId,
          importId: null,
          position: null,
          number: 0,
          onIntent: async ({ tx, at }) => {
            const status = { status: ['queued'] } as const;
            const moved = await tx.updateImage(imageId, status, { status: 'uploading' }, at);
            if (!moved) throw await this.#notStageable(imageId);
          },
          onReady: async ({ tx, at }, { size }) => {
            const status = { status: ['uploading'] } as const;
            if (!(await tx.updateImage(imageId, status, { size }, at))) throw deleted(imageId);
          },
        },
        {
          size: body.size,
          sparse: false,
          validator: undefined,
          resumable: false,
          idleTimeoutMs: this.idleTimeoutMs,
          open: () => Promise.resolve(body.stream),
        },
        {
          observers: await this.#observers(image, body.size),
          digests: [],
          signal: staging.signal,
          onProgress: () => undefined,
          onObserverError: (key, error) => {
            this.log.warn('An observer failed; it will be shown the bytes again', {
              observer: key,
              error: String(error),
            });
          },
        },
      );
    } catch (error) {
      await this.#backToQueued(imageId);
      throw error;
    } finally {
      staging.end();
    }
  }

  async #stageable(imageId: string): Promise<Image> {
    const image = await this.journal.read.image(imageId);
    if (image?.status === 'queued') return image;
    throw await this.#notStageable(imageId);
  }

  async #notStageable(imageId: string): Promise<Error> {
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
  async #backToQueued(imageId: string): Promise<void> {
    await this.journal.write(async ({ tx, at }) => {
      const others = await tx.generations({ imageId, states: ['writing', 'ready'] });
      if (others.length > 0) return;
      await tx.updateImage(imageId, { status: ['uploading'] }, { status: 'queued' }, at);
    });
  }

  async #assertFits(size: number | undefined): Promise<void> {
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
  async #observers(
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

function uploadsRefused(): ForbiddenError {
  return new ForbiddenError({
    code: 'UPLOADS_REFUSED',
    message: 'PUT …/file is switched off here (imports.uploads is refuse)',
    hint: 'Send the bytes with PUT …/stage, then POST …/import with "glance-direct"',
  });
}

function clientGone(): CancelledError {
  return new CancelledError({
    code: 'CLIENT_GONE',
    message: 'The client went away before all bytes had come',
    hint: 'Send the image again',
  });
}

function describedCancel(): Parameters<typeof failureError>[0] {
  return { class: 'cancelled', code: 'IMPORT_CANCELLED', message: 'The import was cancelled' };
}

function deleted(imageId: string): CancelledError {
  return new CancelledError({
    code: 'IMAGE_DELETED',
    message: `Image ${imageId} was deleted while its bytes came in`,
  });
}
