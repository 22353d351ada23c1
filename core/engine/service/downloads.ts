import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { inject, injectable } from 'inversify';
import { NotFoundError, TransientError } from '../../base/errors.js';
import { fileError } from '../../dataflow/file-errors.js';
import { sendFile } from '../../dataflow/send-file.js';
import type { Images } from '../../plugin/contract/services.js';
import { isFileStore } from '../../plugin/contract/store.js';
import type { ByteRange, Store } from '../../plugin/contract/store.js';
import { StoreRegistry } from '../../store/registry.js';
import { Journal } from '../journal.js';
import type { SentImage } from '../ports.js';
import type { Downloads, Outgoing } from '../service.js';

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
        const stream = await this.read(id, options);
        if (stream !== undefined) return stream;
        throw new NotFoundError({ code: 'NO_DATA', message: `Image ${id} has no bytes` });
      },
    };
  }

  async open(
    imageId: string,
    { size, ...options }: { readonly range?: ByteRange; size: number; signal: AbortSignal },
  ): Promise<Outgoing | undefined> {
    return this.#firstOf(imageId, options.signal, async (store, url) =>
      isFileStore(store)
        ? openFile(store.pathOf(url), options.range ?? { start: 0, end: size }, options.signal)
        : outgoing(await openRange(store, url, options)),
    );
  }

  /** As {@link open}, for whoever goes on with the bytes here. */
  async read(
    imageId: string,
    options: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<Readable | undefined> {
    return this.#firstOf(imageId, options.signal, (store, url) => openRange(store, url, options));
  }

  async sent(sent: Omit<SentImage, 'at'>): Promise<void> {
    if (!this.journal.isTold('image.send')) return;
    await this.journal.write(async ({ tx, at }) => tx.tellSent?.({ ...sent, at }));
  }

  /** What `open` makes of the first store, in config order, in which it succeeds. */
  async #firstOf<T>(
    imageId: string,
    signal: AbortSignal,
    open: (store: Store, url: string) => Promise<T>,
  ): Promise<T | undefined> {
    const locations = await this.journal.read.locations({ imageId, states: ['active'] });
    const order = this.stores.list().map(({ id }) => id);
    const known = locations
      .filter(({ store, url }) => url !== null && order.includes(store))
      .toSorted((a, b) => order.indexOf(a.store) - order.indexOf(b.store));
    if (locations.length === 0) return undefined;
    const failures: unknown[] = [];
    for (const { store, url } of known) {
      try {
        return await open(this.stores.get(store), url ?? '');
      } catch (error) {
        signal.throwIfAborted();
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
}

async function openFile(path: string, range: ByteRange, signal: AbortSignal): Promise<Outgoing> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw fileError(error, 'read', path);
  });
  return {
    async sendTo(target) {
      try {
        await sendFile({ handle, path }, range, target, signal);
      } finally {
        await handle.close();
      }
    },
  };
}

function outgoing(stream: Readable): Outgoing {
  return { sendTo: (target) => pipeline(stream, target) };
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
