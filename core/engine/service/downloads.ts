import { Readable } from 'node:stream';
import { inject, injectable } from 'inversify';
import { NotFoundError, TransientError } from '../../base/errors.js';
import type { Images } from '../../plugin/contract/services.js';
import type { ByteRange, Store } from '../../plugin/contract/store.js';
import { StoreRegistry } from '../../store/registry.js';
import { Journal } from '../journal.js';
import type { SentImage } from '../ports.js';
import type { Downloads } from '../service.js';

/** Reads active images from their stores, in config order. */
@injectable()
export class DownloadService implements Downloads {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(StoreRegistry) private readonly stores: StoreRegistry,
  ) {}

  /** What plugins get: an image without bytes is an error there. */
  forPlugins(): Images {
    return {
      get: async (id) => {
        const image = await this.journal.read.image(id);
        if (image !== undefined) return image;
        throw new NotFoundError({
          code: 'IMAGE_NOT_FOUND',
          message: `No image ${id}`,
          hint: 'List the images to see which there are',
        });
      },
      locations: async (imageId) => {
        const held = await this.journal.read.locations({ imageId, states: ['active'] });
        return held.map(({ store, url }) => ({ store, url: url ?? '' }));
      },
      open: async (id, options) => {
        const stream = await this.open(id, options);
        if (stream !== undefined) return stream;
        throw new NotFoundError({ code: 'NO_DATA', message: `Image ${id} has no bytes` });
      },
    };
  }

  async open(
    imageId: string,
    options: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<Readable | undefined> {
    const locations = await this.journal.read.locations({ imageId, states: ['active'] });
    const order = this.stores.list().map(({ id }) => id);
    const known = locations
      .filter(({ store, url }) => url !== null && order.includes(store))
      .toSorted((a, b) => order.indexOf(a.store) - order.indexOf(b.store));
    if (locations.length === 0) return undefined;
    const failures: unknown[] = [];
    for (const { store, url } of known) {
      try {
        return await openRange(this.stores.get(store), url ?? '', options);
      } catch (error) {
        options.signal.throwIfAborted();
        failures.push(error);
      }
    }
    throw new TransientError({
      code: 'STORE_UNAVAILABLE',
      message: `None of the ${locations.length} stores of image ${imageId} can give its bytes`,
      hint: 'Try again later; the operator finds the reason in the log',
      cause: new AggregateError(failures),
    });
  }

  async sent(sent: Omit<SentImage, 'at'>): Promise<void> {
    if (!this.journal.isTold('image.send')) return;
    await this.journal.write(async ({ tx, at }) => tx.tellSent?.({ ...sent, at }));
  }
}

/** A store without ranges gives all of its bytes; those outside of the range are dropped here. */
async function openRange(
  store: Store,
  url: string,
  { range, signal }: { readonly range?: ByteRange; readonly signal: AbortSignal },
): Promise<Readable> {
  if (range === undefined) return store.open(url, { signal });
  if (store.rangeRead === true) return store.open(url, { range, signal });
  const whole = await store.open(url, { signal });
  return Readable.from(withinRange(whole, range), { objectMode: false });
}

async function* withinRange(whole: Readable, { start, end }: ByteRange): AsyncGenerator<Buffer> {
  let position = 0;
  for await (const chunk of whole as AsyncIterable<Buffer>) {
    const from = Math.max(0, start - position);
    const to = Math.min(chunk.length, end - position);
    if (from < to) yield chunk.subarray(from, to);
    position += chunk.length;
    if (position >= end) return;
  }
}
