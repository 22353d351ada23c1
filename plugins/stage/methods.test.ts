import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { ImportMethod, Images, MethodSource } from '../../core/api.js';
import { anImage, methodContext } from '../../core/plugin/testing/index.js';
import { copyImage } from './copy-image.js';
import { glanceDirect } from './glance-direct.js';
import { upload } from './upload.js';

function sourceOf(method: ImportMethod, ...services: readonly unknown[]): MethodSource {
  return new (method.source as new (...services: readonly unknown[]) => MethodSource)(...services);
}

describe('glance-direct', () => {
  it('takes the staged bytes', async () => {
    expect(await sourceOf(glanceDirect).source(methodContext())).toEqual({ kind: 'staged' });
  });
});

describe('upload', () => {
  it('takes the body of the request once', async () => {
    const body = { stream: Readable.from(['bytes']), size: 5 };
    const source = await sourceOf(upload).source(methodContext({ body }));
    if (source.kind !== 'stream') throw new Error('no stream');
    expect(source).toMatchObject({ size: 5, validator: undefined, resumable: false });
    expect(await text(await source.open(0, new AbortController().signal))).toBe('bytes');
    expect(upload.requestable).toBe(false);
  });

  it('says so when the client is gone', async () => {
    await expect(sourceOf(upload).source(methodContext())).rejects.toMatchObject({
      class: 'permanent',
      code: 'CLIENT_GONE',
    });
  });
});

describe('copy-image', () => {
  const bytes = '0123456789';
  const opened: unknown[] = [];
  const images: Images = {
    get: () => Promise.reject(new Error('not asked for')),
    locations: () => Promise.resolve([]),
    open: (_id, { range }) => {
      opened.push(range);
      return Promise.resolve(Readable.from([bytes.slice(range?.start ?? 0, range?.end)]));
    },
  };
  const { signal } = new AbortController();

  it('reads the image from any offset, proven by its digest', async () => {
    const image = anImage({ size: 10, osHashAlgo: 'sha512', osHashValue: 'abc' });
    const source = await sourceOf(copyImage, images).source(methodContext({ image }));
    if (source.kind !== 'stream') throw new Error('no stream');
    expect(source).toMatchObject({
      ...{ size: 10, validator: 'abc', resumable: true, expectedDigests: { sha512: 'abc' } },
    });
    expect(await text(await source.open(0, signal))).toBe(bytes);
    expect(await text(await source.open(7, signal))).toBe('789');
    expect(opened).toEqual([undefined, { start: 7, end: 10 }]);
  });

  it('promises nothing of an image without a digest, and refuses one without a size', async () => {
    const method = sourceOf(copyImage, images);
    const image = anImage({ size: 10 });
    const source = await method.source(methodContext({ image }));
    expect(source).toMatchObject({ validator: undefined });
    expect(source).not.toHaveProperty('expectedDigests');
    await expect(method.source(methodContext({ image: anImage() }))).rejects.toMatchObject({
      code: 'IMAGE_SIZE_UNKNOWN',
    });
  });
});
