import { inject, injectable } from 'inversify';
import { CancelledError, ForbiddenError, failureError } from '../../base/errors.js';
import type { ImportsConfig } from '../../config/config.js';
import { Logger } from '../../telemetry/logger.js';
import { ActiveStagings } from './active-stagings.js';
import { UPLOAD_METHOD } from '../flow/flow.js';
import { Incoming } from '../bytes/incoming.js';
import { Intake } from './intake.js';
import { ImportPlanner } from './planner.js';
import { Scheduler } from '../run/scheduler.js';
import { Imports } from '../service.js';
import type { Upload, Uploads } from '../service.js';
import { StagingGate } from './staging-gate.js';
import { ImportsConfigToken, UploadIdleTimeout } from '../settings.js';

/** Takes what clients send: into staging, or through an import while they wait. */
@injectable()
export class UploadService implements Uploads {
  constructor(
    @inject(Intake) private readonly intake: Intake,
    @inject(Scheduler) private readonly scheduler: Scheduler,
    @inject(Imports) private readonly imports: Imports,
    @inject(Incoming) private readonly incoming: Incoming,
    @inject(StagingGate) private readonly gate: StagingGate,
    @inject(ImportPlanner) private readonly planner: ImportPlanner,
    @inject(ActiveStagings) private readonly stagings: ActiveStagings,
    @inject(ImportsConfigToken) private readonly importsConfig: ImportsConfig,
    @inject(UploadIdleTimeout) private readonly idleTimeoutMs: number,
    @inject(Logger) private readonly log: Logger,
  ) {}

  async upload({ imageId, caller, body, store, signal }: Upload): Promise<void> {
    const { uploads } = this.importsConfig;
    if (uploads === 'refuse') throw uploadsRefused();
    await this.gate.assertFits(body.size);
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

  async stage({ imageId, caller, body, signal }: Omit<Upload, 'store'>): Promise<void> {
    const image = await this.gate.stageable(imageId);
    await this.gate.assertFits(body.size);
    const staging = this.stagings.begin(imageId, signal);
    try {
      await this.incoming.receive(
        {
          imageId,
          importId: null,
          position: null,
          number: 0,
          need: (data) => this.planner.needOfStaged(imageId, caller, data),
          onIntent: async ({ tx, at }) => {
            const status = { status: ['queued'] } as const;
            const moved = await tx.updateImage(imageId, status, { status: 'uploading' }, at);
            if (!moved) throw await this.gate.notStageable(imageId);
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
          observers: await this.gate.observers(image, body.size),
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
      await this.gate.backToQueued(imageId);
      throw error;
    } finally {
      staging.end();
    }
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
