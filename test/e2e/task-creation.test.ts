import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.js';
import { serveFiles } from '../support/file-server.js';
import { digestOf, randomFile } from '../support/images.js';
import { problemOf } from '../support/problem.js';
import { startServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';

it('a task of type import makes an image and fetches its bytes', async () => {
  await using directory = await tempDir();
  const config = path.join(directory.path, 'stowage.yaml');
  await writeFile(
    config,
    `
imports:
  methods: [{ name: web-download, config: { allow: [127.0.0.0/8] } }]
`,
  );
  const file = await randomFile(path.join(directory.path, 'disk'), 1024 * 1024);
  await using files = await serveFiles(directory.path);
  const server = await startServer({ dataDir: path.join(directory.path, 'data'), config });
  const api = new ApiClient(server.url);
  const task = (from: string, more: object = {}, properties: object = {}) =>
    api.call('POST', '/v2/tasks', {
      json: {
        type: 'import',
        input: {
          import_from: from,
          import_from_format: 'raw',
          image_properties: { name: 'by a task', os_distro: 'debian', ...properties },
        },
        ...more,
      },
    });

  const made = await task(`${files.url}/disk`);
  expect(made.status).toBe(201);
  const { id, image_id: imageId } = made.body as { id: string; image_id: string };
  expect(made.headers['location']).toBe(`${server.url}/v2/tasks/${id}`);
  expect(made.body).toMatchObject({ type: 'api_image_import', owner: 'default' });
  await api.finished(imageId);
  expect((await api.call('GET', `/v2/tasks/${id}`)).body).toMatchObject({
    status: 'success',
    result: { image_id: imageId },
  });
  expect(await api.image(imageId)).toMatchObject({
    ...{ name: 'by a task', status: 'active', disk_format: 'raw', container_format: 'bare' },
    os_distro: 'debian',
    os_hash_value: await digestOf(file),
  });

  for (const [refused, code] of [
    [await task('file:///etc/passwd', {}, { protected: true }), 'SCHEME_REFUSED'],
    [await task(`${files.url}/disk`, { type: 'export' }), 'TASK_TYPE_UNKNOWN'],
    [await task(`${files.url}/disk`, { input: {} }), 'BODY_INVALID'],
  ] as const) {
    expect(problemOf(refused)).toMatchObject({ status: 400, code });
  }
  const images = await api.call('GET', '/v2/images');
  expect((images.body as { images: readonly unknown[] }).images).toHaveLength(1);
  expect(await server.stop()).toBe(0);
});
