import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.js';
import { randomFile } from '../support/images.js';
import { violations } from '../support/invariants.js';
import { problemOf } from '../support/problem.js';
import { startServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';

const MIB = 1024 * 1024;

it('of 20 uploads at once as many get in as the quota has room for', async () => {
  await using directory = await tempDir();
  const config = path.join(directory.path, 'stowage.yaml');
  await writeFile(
    config,
    `
stores: [{ id: default, driver: filesystem, path: store/default }]
quotas: { image_size_total: 20 MiB, image_stage_total: 9 MiB }
`,
  );
  const dataDir = path.join(directory.path, 'data');
  const server = await startServer({ dataDir, config });
  const api = new ApiClient(server.url);
  const file = await randomFile(path.join(directory.path, 'image'), 3 * MIB);
  const ids = await Promise.all(
    Array.from({ length: 20 }, async () => (await api.createImage()).id),
  );

  const statuses = async (how: 'file' | 'stage', of: readonly string[]) => {
    const answers = await Promise.all(of.map((id) => api.send(id, how, file)));
    for (const answer of answers.filter(({ status }) => status !== 204)) {
      expect(problemOf(answer)).toMatchObject({ status: 413, code: 'QUOTA_EXCEEDED' });
    }
    return answers.filter(({ status }) => status === 204).length;
  };
  expect(await statuses('file', ids.slice(0, 10))).toBe(6);
  expect(await statuses('stage', ids.slice(10))).toBe(3);

  const images = await Promise.all(ids.map((id) => api.image(id)));
  const count = (wanted: string) => images.filter(({ status }) => status === wanted).length;
  expect([count('active'), count('uploading'), count('queued')]).toEqual([6, 3, 11]);
  const staged = images.find(({ status }) => status === 'uploading')?.id ?? '';
  const refused = await api.import(staged, { method: { name: 'glance-direct' } });
  expect(problemOf(refused)).toMatchObject({ status: 413, code: 'QUOTA_EXCEEDED' });

  // Chunked: nobody says how many bytes will come.
  const [small] = images.filter(({ status }) => status === 'queued');
  const answer = await api.call('PUT', `/v2/images/${small?.id ?? ''}/file`, {
    headers: { 'content-type': 'application/octet-stream' },
    body: Readable.from([Buffer.alloc(MIB, 1), Buffer.alloc(MIB / 2, 2)]),
  });
  expect(answer.status).toBe(204);
  const active = images.find(({ status }) => status === 'active')?.id ?? '';
  expect((await api.call('DELETE', `/v2/images/${active}`)).status).toBe(204);
  expect((await api.import(staged, { method: { name: 'glance-direct' } })).status).toBe(202);
  expect((await api.finished(staged)).state).toBe('succeeded');
  expect((await api.call('GET', '/v2/info/usage')).body).toMatchObject({
    usage: {
      image_size_total: { usage: 19, limit: 20 },
      image_stage_total: { usage: 6, limit: 9 },
      image_count_uploading: { usage: 2, limit: -1 },
    },
  });
  expect(await server.stop()).toBe(0);
  expect(await violations(dataDir)).toEqual([]);
});
