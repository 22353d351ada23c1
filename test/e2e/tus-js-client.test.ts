import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Upload } from 'tus-js-client';
import type { UploadOptions } from 'tus-js-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.js';
import { cuttingLine } from '../support/cutting-line.js';
import { digestOf, randomFile } from '../support/images.js';
import { violations } from '../support/invariants.js';
import { startServer } from '../support/server.js';
import type { TestServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';

const MIB = 2 ** 20;

let dir: Awaited<ReturnType<typeof tempDir>>;
let server: TestServer;
let api: ApiClient;

beforeAll(async () => {
  dir = await tempDir();
  const config = path.join(dir.path, 'stowage.yaml');
  await writeFile(config, 'stores: [{ id: one, driver: filesystem, path: store/one }]');
  server = await startServer({ dataDir: path.join(dir.path, 'data'), config });
  api = new ApiClient(server.url);
});

afterAll(async () => {
  await api.quiet();
  expect(await server.stop()).toBe(0);
  expect(await violations(path.join(dir.path, 'data'))).toEqual([]);
  await dir[Symbol.asyncDispose]();
});

/** Sends a file and imports what has arrived. */
async function send(file: string, imageId: string, options: UploadOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const ends = {
      onSuccess: () => {
        resolve();
      },
      onError: reject,
    };
    new Upload(createReadStream(file), { ...options, ...ends }).start();
  });
  expect((await api.image(imageId)).status).toBe('uploading');
  await api.import(imageId, { method: { name: 'glance-direct' } });
  await api.finished(imageId);
  const image = await api.image(imageId);
  expect(image).toMatchObject({ status: 'active', os_hash_value: await digestOf(file) });
}

describe('a file that is sent by tus-js-client', () => {
  it('arrives over a line that breaks, and does not begin again', async () => {
    const size = 48 * MIB;
    const file = await randomFile(path.join(dir.path, 'broken-line'), size);
    const { id } = await api.createImage();
    let connections = 0;
    await using line = await cuttingLine(server.url, () => {
      connections += 1;
      return connections * 3 * MIB;
    });
    await send(file, id, {
      endpoint: `${line.url}/stowage/v1/images/${id}/uploads`,
      metadata: { filename: 'broken-line' },
      retryDelays: new Array<number>(40).fill(0),
    });
    expect(line.cuts).toBeGreaterThan(3);
    // Twice goes what a cut has swallowed on its way; from the beginning it would be eight times the file.
    expect(line.sent).toBeLessThan(size * 2);
  });

  it('arrives in many small pieces, without PATCH', async () => {
    const file = await randomFile(path.join(dir.path, 'pieces'), 4 * MIB + 17);
    const { id } = await api.createImage();
    await send(file, id, {
      endpoint: `${server.url}/stowage/v1/images/${id}/uploads`,
      chunkSize: 64 * 1024,
      overridePatchMethod: true,
    });
  });
});
