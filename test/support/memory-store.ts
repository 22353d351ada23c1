import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { NotFoundError } from '../../core/base/errors.js';
import type { Store, StoredObject } from '../../core/plugin/contract/store.js';

/** Keeps objects in memory; `fault` is asked before each act and may throw. */
export class MemoryStore implements Store {
  readonly objects = new Map<string, Buffer>();
  readonly rangeRead = true;

  constructor(private readonly fault: (act: 'write' | 'delete') => void = () => undefined) {}

  async write(...[name, source]: Parameters<Store['write']>): Promise<StoredObject> {
    this.fault('write');
    const bytes = await buffer(source);
    this.objects.set(name, bytes);
    return { url: `memory:${name}` };
  }

  open(
    url: string,
    { range }: { readonly range?: { readonly start: number; readonly end: number } },
  ): Promise<Readable> {
    const bytes = this.#get(url);
    return Promise.resolve(
      Readable.from([range === undefined ? bytes : bytes.subarray(range.start, range.end)]),
    );
  }

  stat(url: string): Promise<{ readonly size: number }> {
    return Promise.resolve({ size: this.#get(url).length });
  }

  delete(url: string): Promise<void> {
    this.fault('delete');
    this.objects.delete(url.slice('memory:'.length));
    return Promise.resolve();
  }

  discard(name: string): Promise<void> {
    this.fault('delete');
    this.objects.delete(name);
    return Promise.resolve();
  }

  #get(url: string): Buffer {
    const bytes = this.objects.get(url.slice('memory:'.length));
    if (bytes !== undefined) return bytes;
    throw new NotFoundError({ code: 'OBJECT_NOT_FOUND', message: `No object ${url}` });
  }
}
