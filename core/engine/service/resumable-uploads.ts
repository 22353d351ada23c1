import type { Readable } from 'node:stream';
import { inject, injectable } from 'inversify';
import {
  CancelledError,
  ConflictError,
  IntegrityError,
  RejectedError,
  TransientError,
} from '../../base/errors.js';
import type { StagingConfig } from '../../config/config.js';
import type { FlushPoints } from '../../dataflow/flush-points.js';
import type { Generation } from '../../staging/generation.js';
import { Logger } from '../../telemetry/logger.js';
import { GenerationRows } from '../bytes/generation-rows.js';
import type { BegunGeneration } from '../bytes/generation-rows.js';
import { Incoming } from '../bytes/incoming.js';
import { Janitor } from '../bytes/janitor.js';
import { Journal } from '../journal.js';
import type { NewUpload, ResumableUploads, UploadPiece, UploadState } from '../service.js';
import { StagingConfigToken, UploadIdleTimeout } from '../settings.js';
import { ActiveStagings } from './active-stagings.js';
import { StagingGate } from './staging-gate.js';
import { UploadSession, uploadNotFound } from './upload-session.js';

interface Session {
  readonly imageId: string;
  readonly session: UploadSession;
  readonly controller: AbortController;
}

/** Takes bytes over several requests into staging: after the last they are as if staged by one. */
@injectable()
export class ResumableUploadService implements ResumableUploads {
  readonly #sessions = new Map<string, Session>();

  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Incoming) private readonly incoming: Incoming,
    @inject(GenerationRows) private readonly rows: GenerationRows,
    @inject(StagingGate) private readonly gate: StagingGate,
    @inject(ActiveStagings) private readonly stagings: ActiveStagings,
    @inject(Janitor) private readonly janitor: Janitor,
    @inject(StagingConfigToken) private readonly staging: StagingConfig,
    @inject(UploadIdleTimeout) private readonly idleTimeoutMs: number,
    @inject(Logger) private readonly log: Logger,
  ) {}

  async create({ imageId, length, metadata }: NewUpload): Promise<UploadState> {
    await this.gate.stageable(imageId);
    await this.gate.assertFits(length);
    const { generation } = await this.rows.begin(
      {
        ...ownerOf(imageId),
        onIntent: async ({ tx, at }) => {
          const status = { status: ['queued'] } as const;
          const moved = await tx.updateImage(imageId, status, { status: 'uploading' }, at);
          if (!moved) throw await this.gate.notStageable(imageId);
        },
      },
      {
        size: length,
        sparse: false,
        validator: undefined,
        resumable: false,
        upload: { length, metadata },
      },
    );
    if (length === 0) await this.#complete(imageId, generation.id);
    return this.#state(generation);
  }

  async show(imageId: string, id: string): Promise<UploadState> {
    await this.#sessionOf(imageId, id)?.session.interrupt(takenOver());
    const generation = await this.#find(imageId, id);
    const { state, durable, upload } = generation;
    if (state === 'ready' || durable !== upload?.length) return this.#state(generation);
    // A crash came between the last byte and the end.
    await this.#complete(imageId, id);
    return this.#state(await this.#find(imageId, id));
  }

  async append({ imageId, id, offset, body }: UploadPiece): Promise<UploadState> {
    await this.#withSession(imageId, id, (session) => session.send(offset, body));
    return this.#state(await this.#find(imageId, id));
  }

  async abandon(imageId: string, id: string): Promise<void> {
    await this.#find(imageId, id);
    await this.#end(this.#sessionOf(imageId, id), abandoned());
    await this.journal.write(async ({ tx, at }) => {
      const { importId = null } = (await tx.generation(id)) ?? {};
      if (importId !== null) throw imported(imageId);
      const states = ['writing', 'ready'] as const;
      const released = await tx.updateGeneration(id, { state: states }, { state: 'releasing' });
      if (!released) return;
      await tx.updateImage(
        imageId,
        { status: ['uploading'] },
        { status: 'queued', size: null },
        at,
      );
    });
    this.janitor.wake();
  }

  /** Ends what is being sent; clients go on after the next start. */
  async stop(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((open) => this.#end(open, stopping())));
  }

  async #complete(imageId: string, id: string): Promise<void> {
    await this.#withSession(imageId, id, (session) => session.complete());
  }

  async #withSession(
    imageId: string,
    id: string,
    act: (session: UploadSession) => Promise<void>,
  ): Promise<void> {
    const { session } = this.#sessionOf(imageId, id) ?? (await this.#open(imageId, id));
    try {
      await act(session);
    } finally {
      if (session.isUnused) this.#sessions.delete(id);
    }
  }

  #sessionOf(imageId: string, id: string): Session | undefined {
    const open = this.#sessions.get(id);
    return open?.imageId === imageId ? open : undefined;
  }

  async #open(imageId: string, id: string): Promise<Session> {
    const begun = await this.rows.find(id);
    const length = begun?.generation.upload?.length;
    if (begun?.generation.imageId !== imageId || length === undefined) throw uploadNotFound();
    const other = this.#sessionOf(imageId, id);
    if (other !== undefined) return other;
    const controller = new AbortController();
    const session = new UploadSession(begun.generation.durable, length, {
      pass: (bytes, flushes) => this.#pass(begun, bytes, flushes, controller.signal),
      touch: (durable) => this.rows.touch(begun.generation, durable),
    });
    const open = { imageId, session, controller };
    this.#sessions.set(id, open);
    return open;
  }

  async #pass(
    begun: BegunGeneration,
    bytes: Readable,
    flushes: FlushPoints,
    signal: AbortSignal,
  ): Promise<Generation> {
    const { id, imageId, upload } = begun.generation;
    const size = upload?.length;
    const staging = this.stagings.begin(imageId, signal);
    try {
      const image = await this.journal.read.image(imageId);
      if (image === undefined) throw uploadNotFound();
      return await this.incoming.take(
        begun,
        {
          ...ownerOf(imageId),
          onReady: async ({ tx, at }, { size: sent }) => {
            const status = { status: ['uploading'] } as const;
            const shown = await tx.updateImage(imageId, status, { size: sent }, at);
            if (!shown) throw uploadNotFound();
          },
        },
        {
          size,
          sparse: false,
          validator: id,
          resumable: true,
          // A request that stands still ends first.
          idleTimeoutMs: this.idleTimeoutMs * 2,
          open: () => Promise.resolve(bytes),
          flushes,
          outlives,
        },
        {
          observers: await this.gate.observers(image, size),
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
      if (!outlives(error)) await this.gate.backToQueued(imageId);
      throw error;
    } finally {
      staging.end();
      this.#sessions.delete(id);
    }
  }

  async #end(open: Session | undefined, reason: Error): Promise<void> {
    await open?.session.interrupt(reason);
    open?.controller.abort(reason);
    await open?.session.ended();
  }

  /** @throws {NotFoundError} `UPLOAD_NOT_FOUND` */
  async #find(imageId: string, id: string): Promise<Generation> {
    const found = await this.journal.read.generation(id);
    if (found?.imageId !== imageId || found.upload === null || found.state === 'releasing') {
      throw uploadNotFound();
    }
    return found;
  }

  #state({ id, state, durable, size, upload }: Generation): UploadState {
    const { length = 0, metadata = '', touchedAt = new Date(0) } = upload ?? {};
    return {
      id,
      offset: state === 'ready' ? (size ?? length) : durable,
      length,
      metadata,
      expiresAt: new Date(touchedAt.getTime() + this.staging.retentionMs),
    };
  }
}

function ownerOf(imageId: string) {
  return { imageId, importId: null, position: null, number: 0 } as const;
}

/** Whether the client can go on after this failure: the bytes are not to blame, and still wanted. */
function outlives(error: unknown): boolean {
  if (error instanceof RejectedError || error instanceof IntegrityError) return false;
  return !(error instanceof CancelledError && ENDINGS.has(error.code));
}

const ENDINGS: ReadonlySet<string> = new Set(['IMAGE_DELETED', 'UPLOAD_ABANDONED']);

function abandoned(): CancelledError {
  return new CancelledError({
    code: 'UPLOAD_ABANDONED',
    message: 'The client has given the upload up',
  });
}

function takenOver(): ConflictError {
  return new ConflictError({
    code: 'UPLOAD_TAKEN_OVER',
    message: 'A later request has asked how far the upload is, and goes on with it',
    hint: 'Send an upload from one place at a time',
  });
}

function stopping(): TransientError {
  return new TransientError({
    code: 'SHUTTING_DOWN',
    message: 'The server is stopping',
    hint: 'What has come is kept: go on when the server is there again',
  });
}

function imported(imageId: string): ConflictError {
  return new ConflictError({
    code: 'IMPORT_RUNNING',
    message: `The upload is being imported into image ${imageId}`,
    hint: 'Cancel the import first',
  });
}
