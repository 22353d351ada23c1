import { inject, injectable } from 'inversify';
import type { ImageStatus } from '../../image/image.js';
import { StagingArea } from '../../staging/area.js';
import { Logger } from '../../telemetry/logger.js';
import { Janitor } from '../bytes/janitor.js';
import { Journal } from '../journal.js';
import type { JournalEntry } from '../journal.js';
import { Worker } from '../live.js';
import type { Reader } from '../ports.js';
import { LIVE_IMPORT_STATES } from '../states.js';

/** Images that are looked at in one go. */
const PAGE = 1000;

/**
 * Takes over what earlier lives of the worker have left, before anything else runs: imports go on,
 * and whatever has no live owner any more is marked for removal.
 */
@injectable()
export class Recovery {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(StagingArea) private readonly staging: StagingArea,
    @inject(Janitor) private readonly janitor: Janitor,
    @inject(Worker) private readonly worker: Worker,
    @inject(Logger) private readonly log: Logger,
  ) {}

  async recover(): Promise<void> {
    const { epoch } = this.worker;
    const taken = await this.journal.write(async (entry) => {
      const count = await entry.tx.takeOverImports(epoch);
      const live = await liveImports(entry.tx);
      await this.#releaseInterruptedStagings(entry, live);
      await this.#removeAbandonedLocations(entry, live);
      await this.#returnImages(entry);
      return count;
    });
    const swept = await this.#sweep(epoch);
    await this.#dropWorkspaces();
    this.janitor.wake();
    if (taken > 0 || swept.length > 0) {
      this.log.info('Took over what an earlier life has left', {
        imports: taken,
        files_removed: swept.length,
      });
    }
  }

  /** Bytes whose sender is gone, and those of imports that are over. */
  async #releaseInterruptedStagings(
    { tx }: JournalEntry,
    live: ReadonlySet<string>,
  ): Promise<void> {
    for (const generation of await tx.generations({ states: ['writing', 'ready'] })) {
      const { id, importId, imageId, state, upload } = generation;
      const goesOn = upload !== null && (await tx.image(imageId))?.status === 'uploading';
      const owned = importId === null ? state === 'ready' || goesOn : live.has(importId);
      if (!owned) {
        await tx.updateGeneration(id, { state: ['writing', 'ready'] }, { state: 'releasing' });
      }
    }
  }

  async #removeAbandonedLocations({ tx }: JournalEntry, live: ReadonlySet<string>): Promise<void> {
    for (const { id, importId } of await tx.locations({ states: ['pending', 'placed'] })) {
      if (importId !== null && live.has(importId)) continue;
      await tx.updateLocation(id, { state: ['pending', 'placed'] }, { state: 'deleting' });
    }
  }

  /** The workspaces of earlier lives are swept now; who needs one again asks for it again. */
  async #dropWorkspaces(): Promise<void> {
    await this.journal.write(async ({ tx }) => {
      for (const { id, purpose } of await tx.reservations()) {
        if (purpose === 'workspace') await tx.deleteReservation(id);
      }
    });
  }

  /** An image that was receiving bytes from a client that is gone. */
  async #returnImages({ tx, at }: JournalEntry): Promise<void> {
    for (const status of ['uploading', 'saving'] as const satisfies readonly ImageStatus[]) {
      for (const { id } of await allImages(tx, status)) {
        const staged = await tx.generations({ imageId: id, states: ['writing', 'ready'] });
        const owned = staged.length > 0 || (await tx.liveImport(id)) !== undefined;
        if (!owned) await tx.updateImage(id, { status: [status] }, { status: 'queued' }, at);
      }
    }
  }

  async #sweep(epoch: number): Promise<readonly string[]> {
    const generations = await this.journal.read.generations({});
    const live = new Set(generations.map(({ file }) => file));
    return this.staging.sweep(epoch, (file) => live.has(file));
  }
}

async function liveImports(tx: Reader): Promise<ReadonlySet<string>> {
  const records = await tx.imports({ states: LIVE_IMPORT_STATES });
  return new Set(records.map(({ id }) => id));
}

async function allImages(tx: Reader, status: ImageStatus): Promise<readonly { id: string }[]> {
  const images: { id: string }[] = [];
  for (;;) {
    const page = await tx.images({
      projectId: null,
      isAdmin: true,
      visibility: 'all',
      memberStatus: 'all',
      filters: [{ kind: 'attribute', name: 'status', comparison: 'eq', value: status }],
      sort: [{ key: 'id', direction: 'asc' }],
      marker: images.at(-1)?.id,
      limit: PAGE,
    });
    images.push(...page);
    if (page.length < PAGE) return images;
  }
}
