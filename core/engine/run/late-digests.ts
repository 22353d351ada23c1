import type { Readable } from 'node:stream';
import { inject, injectable } from 'inversify';
import { Clock } from '../../base/clock.js';
import { describeFailure } from '../../base/errors.js';
import type { ImagesConfig } from '../../config/config.js';
import { Dataflow } from '../../dataflow/pass.js';
import { createInspector } from '../../format/inspector.js';
import { StoreRegistry } from '../../store/registry.js';
import { Logger } from '../../telemetry/logger.js';
import { Journal } from '../journal.js';
import { ImagesConfigToken } from '../settings.js';

/** Milliseconds between two looks for images without digests. */
const INTERVAL = 5_000;
/** Images that one look finds at once. */
const BATCH = 100;
/** Milliseconds after which what could not be read is tried again. */
const PAUSE = 5 * 60_000;
/** Milliseconds that a store may be silent. */
const IDLE_TIMEOUT = 60_000;

/**
 * Reads images that came without being read, one after the other, for their digests. They are active
 * meanwhile; what cannot be read now is tried again some minutes later.
 */
@injectable()
export class LateDigests {
  readonly #stopping = new AbortController();
  /** When an image that could not be read is due again, by its id. */
  readonly #later = new Map<string, number>();
  #running: Promise<void> = Promise.resolve();

  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(StoreRegistry) private readonly stores: StoreRegistry,
    @inject(Dataflow) private readonly dataflow: Dataflow,
    @inject(ImagesConfigToken) private readonly config: ImagesConfig,
    @inject(Clock) private readonly clock: Clock,
    @inject(Logger) private readonly log: Logger,
  ) {}

  start(): void {
    if (this.config.digestLater) this.#running = this.#loop();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #loop(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#round().catch((error: unknown) => {
        if (signal.aborted) return;
        this.log.error('Images without digests cannot be found', {
          failure: describeFailure(error),
        });
      });
      await this.clock.sleep(INTERVAL, signal).catch(() => undefined);
    }
  }

  async #round(): Promise<void> {
    const { signal } = this.#stopping;
    for (let after = ''; ;) {
      const ids = await this.journal.read.undigestedImages(after, BATCH);
      const last = ids.at(-1);
      if (last === undefined) return;
      after = last;
      for (const id of ids) {
        signal.throwIfAborted();
        const now = this.clock.now().getTime();
        if ((this.#later.get(id) ?? now) > now) continue;
        this.#later.delete(id);
        await this.#digest(id).catch((error: unknown) => {
          signal.throwIfAborted();
          this.#later.set(id, now + PAUSE);
          this.log.warn('The digests of an image cannot be computed; will try again', {
            image_id: id,
            failure: describeFailure(error),
          });
        });
      }
    }
  }

  async #digest(id: string): Promise<void> {
    const { checksum, hashAlgorithm, maxSize } = this.config;
    const image = await this.journal.read.image(id);
    const bytes = await this.#open(id);
    if (image === undefined || bytes === undefined) return;
    const { digests } = await this.dataflow.pass({
      source: { kind: 'passing', stream: bytes, idleTimeoutMs: IDLE_TIMEOUT },
      digests: checksum ? ['md5', hashAlgorithm] : [hashAlgorithm],
      inspector: createInspector(),
      observers: new Map(),
      maxSize: Math.max(maxSize, image.size ?? 0),
      expectedSize: image.size ?? undefined,
      signal: this.#stopping.signal,
    });
    await this.journal.write(({ tx, at }) =>
      tx.updateImage(
        id,
        { status: ['active', 'deactivated'] },
        {
          checksum: digests['md5'] ?? null,
          osHashAlgo: hashAlgorithm,
          osHashValue: digests[hashAlgorithm] ?? null,
        },
        at,
      ),
    );
  }

  async #open(imageId: string): Promise<Readable | undefined> {
    const [location] = await this.journal.read.locations({ imageId, states: ['active'] });
    if (location?.url == null) return undefined;
    const { signal } = this.#stopping;
    return this.stores.get(location.store).open(location.url, { signal });
  }
}
