import { randomUUID } from 'node:crypto';
import { inject, injectable } from 'inversify';
import { backoffDelay } from '../../base/backoff.js';
import { Clock } from '../../base/clock.js';
import {
  CapacityError,
  ConflictError,
  InvalidInputError,
  NotFoundError,
  describeFailure,
} from '../../base/errors.js';
import type { Failure } from '../../base/errors.js';
import type { ImportsConfig } from '../../config/config.js';
import type { Image } from '../../image/image.js';
import { isVolumeStore } from '../../plugin/contract/store.js';
import type { MadeVolume, VolumeStore } from '../../plugin/contract/store.js';
import { StoreRegistry } from '../../store/registry.js';
import { Logger } from '../../telemetry/logger.js';
import type { ImageVolume } from '../image-volume.js';
import type { Reader } from '../ports.js';
import { Journal } from '../journal.js';
import type { ImageVolumes, VolumeRequest } from '../service.js';
import { ImportsConfigToken } from '../settings.js';
import { DownloadService } from './downloads.js';

/** Volumes that one project may be waiting for, or may leave where they are offered to it. */
const MAX_OPEN = 32;
/** Milliseconds that a volume is offered; it takes up what is nobody's quota meanwhile. */
const OFFER_MS = 24 * 60 * 60 * 1000;
/** Milliseconds between two looks for offers that are over. */
const OFFERS_INTERVAL = 10 * 60 * 1000;
/** Volumes that are made at once. */
const CONCURRENCY = 4;
/** Milliseconds that a stop waits for requests that are under way. */
const STOP_MS = 5_000;
/** Milliseconds after which a volume is removed again that could not be removed. */
const REMOVAL_PAUSE = 10_000;

/**
 * Makes volumes of images. The row is there before anything is made, and what is made is named by it: so
 * a life that ends leaves nothing that the next one does not find.
 */
@injectable()
export class ImageVolumeService implements ImageVolumes {
  readonly #stopping = new AbortController();
  readonly #waiting: string[] = [];
  readonly #making = new Map<string, Promise<void>>();
  #expiring: Promise<void> = Promise.resolve();

  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(StoreRegistry) private readonly stores: StoreRegistry,
    @inject(DownloadService) private readonly downloads: DownloadService,
    @inject(ImportsConfigToken) private readonly config: ImportsConfig,
    @inject(Clock) private readonly clock: Clock,
    @inject(Logger) private readonly log: Logger,
  ) {}

  /** Goes on with what an earlier life has left. */
  async start(): Promise<void> {
    const left = await this.journal.read.imageVolumes({ states: ['pending'] });
    for (const { id } of left.toReversed()) this.#enqueue(id);
    this.#expiring = this.#expireOffers();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    // What waits for a storage goes on at the next start.
    const ends = Promise.all([...this.#making.values(), this.#expiring]);
    await Promise.race([ends, this.clock.sleep(STOP_MS)]);
  }

  async request({ imageId, projectId, userId, store, wish }: VolumeRequest): Promise<ImageVolume> {
    const target = store ?? (await this.#storeFor(imageId));
    this.#volumeStore(target);
    if ((await this.#open(projectId)).length >= MAX_OPEN) await this.#settle(projectId);
    const id = randomUUID();
    const volume = await this.journal.write(async ({ tx, at }) => {
      const image = await tx.image(imageId);
      if (image?.status !== 'active') throw notActive(imageId, image);
      if ((await this.#open(projectId, tx)).length >= MAX_OPEN) throw tooMany();
      const row: ImageVolume = {
        ...{ id, imageId, projectId, userId, store: target, wish, state: 'pending' },
        ...{ made: null, failure: null, createdAt: at, finishedAt: null },
      };
      await tx.insertImageVolume(row);
      return row;
    });
    this.#enqueue(id);
    return volume;
  }

  /** Those that are being made for a project, or are offered to it. */
  async #open(
    projectId: string,
    read: Reader = this.journal.read,
  ): Promise<readonly ImageVolume[]> {
    const states = ['pending', 'succeeded'] as const;
    const volumes = await read.imageVolumes({ projectId, states });
    return volumes.filter(({ state, made }) => state === 'pending' || made?.transfer !== undefined);
  }

  /** Forgets offers that were taken. */
  async #settle(projectId: string): Promise<void> {
    for (const { id, store, made } of await this.#open(projectId)) {
      if (made === null || !(await this.#volumeStore(store).isTaken(made.id))) continue;
      await this.journal.write(({ tx }) =>
        tx.updateImageVolume(id, { state: ['succeeded'] }, { made: withoutOffer(made) }),
      );
    }
  }

  async #expireOffers(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#expire().catch((error: unknown) => {
        if (signal.aborted) return;
        this.log.warn('Volumes that nobody has taken could not be removed; will try again', {
          failure: describeFailure(error),
        });
      });
      await this.clock.sleep(OFFERS_INTERVAL, signal).catch(() => undefined);
    }
  }

  async #expire(): Promise<void> {
    const before = this.clock.now().getTime() - OFFER_MS;
    for (const volume of await this.journal.read.imageVolumes({ states: ['succeeded'] })) {
      const { id, store, made, finishedAt } = volume;
      if (made?.transfer === undefined || (finishedAt?.getTime() ?? 0) >= before) continue;
      this.#stopping.signal.throwIfAborted();
      const isTaken = await this.#volumeStore(store).isTaken(made.id);
      if (!isTaken) await this.#volumeStore(store).discardVolume(id);
      const state = isTaken ? 'succeeded' : 'failed';
      const failure = isTaken ? null : offerExpired();
      await this.journal.write(({ tx }) =>
        tx.updateImageVolume(
          id,
          { state: ['succeeded'] },
          { state, failure, made: withoutOffer(made) },
        ),
      );
    }
  }

  #enqueue(id: string): void {
    this.#waiting.push(id);
    this.#next();
  }

  #next(): void {
    while (this.#making.size < CONCURRENCY && !this.#stopping.signal.aborted) {
      const id = this.#waiting.shift();
      if (id === undefined) return;
      const making = this.#make(id)
        .catch((error: unknown) => {
          // The row stays pending: the next start goes on with it.
          if (this.#stopping.signal.aborted) return;
          this.log.error('A volume cannot be made for now', { failure: describeFailure(error) });
        })
        .finally(() => {
          this.#making.delete(id);
          this.#next();
        });
      this.#making.set(id, making);
    }
  }

  async #make(id: string): Promise<void> {
    const { retry } = this.config;
    for (let attempt = 1; ; attempt += 1) {
      const [row] = await this.journal.read.imageVolumes({ id, states: ['pending'] });
      if (row === undefined) return;
      try {
        await this.#end(row, { made: await this.#attempt(row) });
        return;
      } catch (error) {
        this.#stopping.signal.throwIfAborted();
        const failure = describeFailure(error);
        if (failure.class !== 'transient' || attempt >= retry.attempts) {
          await this.#undo(row);
          await this.#end(row, { failure });
          return;
        }
        this.log.warn('A volume could not be made; will try again', { volume: id, failure });
        await this.clock.sleep(backoffDelay(attempt, retry), this.#stopping.signal);
      }
    }
  }

  async #attempt({ id, imageId, projectId, store, wish }: ImageVolume): Promise<MadeVolume> {
    const { signal } = this.#stopping;
    const image = await this.journal.read.image(imageId);
    if (image?.status !== 'active') throw notActive(imageId, image);
    const locations = await this.journal.read.locations({ imageId, store, states: ['active'] });
    return this.#volumeStore(store).makeVolume(id, {
      image,
      url: locations[0]?.url ?? undefined,
      open: async (until) => {
        const bytes = await this.downloads.read(imageId, { signal: until });
        if (bytes !== undefined) return bytes;
        throw new NotFoundError({ code: 'NO_DATA', message: `Image ${imageId} has no bytes` });
      },
      ...{ projectId, name: wish.name, size: wish.size ?? undefined, signal },
      volumeType: wish.volumeType ?? undefined,
      availabilityZone: wish.availabilityZone ?? undefined,
    });
  }

  /** A failure is told when nothing is left of it. */
  async #undo({ id, store }: ImageVolume): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      try {
        await this.#volumeStore(store).discardVolume(id);
        return;
      } catch (error) {
        signal.throwIfAborted();
        const failure = describeFailure(error);
        this.log.warn('Could not remove a volume that has failed', { volume: id, failure });
        await this.clock.sleep(REMOVAL_PAUSE, signal);
      }
    }
  }

  async #end(
    { id }: ImageVolume,
    end: { readonly made: MadeVolume } | { readonly failure: Failure },
  ): Promise<void> {
    const state = 'made' in end ? 'succeeded' : 'failed';
    await this.journal.write(({ tx, at }) =>
      tx.updateImageVolume(id, { state: ['pending'] }, { ...end, state, finishedAt: at }),
    );
  }

  /** The store with volumes that holds the image, else the first that there is. */
  async #storeFor(imageId: string): Promise<string> {
    const known = this.stores.list().filter(({ id }) => this.stores.makesVolumes(id));
    const held = await this.journal.read.locations({ imageId, states: ['active'] });
    const store =
      known.find(({ id }) => held.some((location) => location.store === id)) ?? known[0];
    if (store !== undefined) return store.id;
    throw new InvalidInputError({
      code: 'NO_VOLUMES',
      message: 'No store here can make volumes',
      hint: 'Ask the operator: a store with the driver "cinder" can',
    });
  }

  #volumeStore(id: string): VolumeStore {
    const store = this.stores.get(id);
    if (isVolumeStore(store)) return store;
    throw new InvalidInputError({
      code: 'NO_VOLUMES',
      message: `Store "${id}" cannot make volumes`,
      hint: 'Leave the store out, and one is chosen',
    });
  }
}

function withoutOffer(made: MadeVolume): MadeVolume {
  return { ...made, transfer: undefined };
}

function offerExpired(): Failure {
  return describeFailure(
    new ConflictError({
      code: 'OFFER_EXPIRED',
      message: 'Nobody took the volume over within 24 hours, so it was removed',
      hint: 'Ask for another one, and accept its transfer',
    }),
  );
}

function notActive(id: string, image: Image | undefined): ConflictError {
  return new ConflictError({
    code: 'IMAGE_STATE',
    message: `Image ${id} is "${image?.status ?? 'deleted'}", not active`,
    hint: 'Volumes are made of active images',
  });
}

function tooMany(): CapacityError {
  return new CapacityError({
    code: 'TOO_MANY_VOLUMES',
    message: `${MAX_OPEN} volumes are being made for the project, or wait for it to take them`,
    hint: 'Accept the transfers of those that are made, and ask again',
    retryAfter: 30,
  });
}
