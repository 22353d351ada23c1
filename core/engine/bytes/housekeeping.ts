import { inject, injectable } from 'inversify';
import { Clock } from '../../base/clock.js';
import { describeFailure } from '../../base/errors.js';
import type { ImportsConfig, StagingConfig } from '../../config/config.js';
import { StoreRegistry } from '../../store/registry.js';
import { Logger } from '../../telemetry/logger.js';
import { Janitor } from './janitor.js';
import { Journal } from '../journal.js';
import { ImportsConfigToken, StagingConfigToken } from '../settings.js';

/** Milliseconds between two rounds. */
const INTERVAL = 60_000;
/** Rounds between two sweeps of the stores. */
const ROUNDS_PER_SWEEP = 30;
/** Imports that one transaction deletes. */
const BATCH = 200;

/** Lets go of what is kept only for a time: staged bytes that nobody imports, finished imports. */
@injectable()
export class Housekeeping {
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #rounds = 0;

  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Janitor) private readonly janitor: Janitor,
    @inject(StoreRegistry) private readonly stores: StoreRegistry,
    @inject(Clock) private readonly clock: Clock,
    @inject(StagingConfigToken) private readonly staging: StagingConfig,
    @inject(ImportsConfigToken) private readonly imports: ImportsConfig,
    @inject(Logger) private readonly log: Logger,
  ) {}

  start(): void {
    this.#running = this.#loop();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #loop(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.round().catch((error: unknown) => {
        this.log.error('Housekeeping failed; will try again', { failure: describeFailure(error) });
      });
      await this.clock.sleep(INTERVAL, signal).catch(() => undefined);
    }
  }

  /** One round: expire, purge, and try again to remove what is marked. */
  async round(): Promise<void> {
    await this.#expireStaged();
    await this.#expireUploads();
    await this.#purgeImports();
    await this.#purgeVolumes();
    if (this.#rounds % ROUNDS_PER_SWEEP === 0) await this.#sweepStores();
    this.#rounds += 1;
    this.janitor.wake();
  }

  async #expireStaged(): Promise<void> {
    const readyBefore = new Date(this.clock.now().getTime() - this.staging.retentionMs);
    const idle = await this.journal.read.generations({
      importId: null,
      states: ['ready'],
      readyBefore,
    });
    for (const { id, imageId } of idle) {
      const expired = await this.journal.write(async ({ tx, at }) => {
        const status = { status: ['uploading'] } as const;
        const returned = await tx.updateImage(
          imageId,
          status,
          { status: 'queued', size: null },
          at,
        );
        return returned && tx.updateGeneration(id, { state: ['ready'] }, { state: 'releasing' });
      });
      if (expired) this.log.info('Staged bytes have expired', { image_id: imageId });
    }
  }

  /** Uploads that nobody goes on with, and those whose image takes no bytes any more. */
  async #expireUploads(): Promise<void> {
    const uploads = await this.journal.read.generations({ resumable: true, states: ['writing'] });
    const oldest = this.clock.now().getTime() - this.staging.retentionMs;
    for (const { id, imageId } of uploads) {
      const expired = await this.journal.write(async ({ tx, at }) => {
        const image = await tx.image(imageId);
        const { upload } = (await tx.generation(id)) ?? {};
        if (image?.status === 'uploading') {
          if (upload == null || upload.touchedAt.getTime() >= oldest) return false;
          await tx.updateImage(
            imageId,
            { status: ['uploading'] },
            { status: 'queued', size: null },
            at,
          );
        }
        return tx.updateGeneration(id, { state: ['writing'] }, { state: 'releasing' });
      });
      if (expired) this.log.info('An upload has expired', { image_id: imageId, upload: id });
    }
  }

  /** What is known of volumes that were made; the volumes stay. */
  async #purgeVolumes(): Promise<void> {
    const before = new Date(this.clock.now().getTime() - this.imports.retentionMs);
    await this.journal.write(({ tx }) => tx.deleteImageVolumes(before));
  }

  async #sweepStores(): Promise<void> {
    const down = new Set(this.stores.outages().map(({ id }) => id));
    for (const { id } of this.stores.list()) {
      if (down.has(id)) continue;
      const isKnown = async (objectName: string): Promise<boolean> => {
        const rows = await this.journal.read.locations({ store: id, objectName });
        return rows.length > 0;
      };
      await this.stores
        .get(id)
        .sweep?.(isKnown)
        .catch((error: unknown) => {
          this.log.warn('A store could not be swept; will try again', {
            store: id,
            failure: describeFailure(error),
          });
        });
    }
  }

  async #purgeImports(): Promise<void> {
    const before = new Date(this.clock.now().getTime() - this.imports.retentionMs);
    for (;;) {
      const old = await this.journal.read.endedImports({ before, limit: BATCH });
      if (old.length === 0) return;
      const deleted = await this.journal.write(({ tx }) => tx.deleteImports(old));
      // Those that still own bytes wait until these are removed; others behind them do not.
      if (deleted === 0) return;
    }
  }
}
