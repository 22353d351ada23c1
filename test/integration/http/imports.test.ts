import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImportRecord, TaskRecord } from '../../../core/engine/import.js';
import { httpRig, memberOf, trustingHeaders } from '../../support/http-rig.js';
import type { HttpRig } from '../../support/http-rig.js';
import { aTask, anImport } from '../../support/records.js';

const NOW = new Date('2026-01-02T03:04:05.678Z');

let rig: HttpRig;
beforeAll(async () => {
  rig = await httpRig({ stores: ['fast', 'slow'] });
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

const code = (body: unknown) => (body as { error: { code: string } }).error.code;

/** Puts an import into the database as the engine would have. */
async function runningImport(
  imageId: string,
  record: Partial<ImportRecord> = {},
  tasks: readonly Partial<TaskRecord>[] = [{}],
  on: HttpRig = rig,
): Promise<string> {
  const made = anImport(imageId, {
    stores: ['fast', 'slow'],
    allStoresMustSucceed: false,
    state: 'running',
    caller: { userId: 'u', projectId: 'default', roles: [] },
    flow: [],
    startedAt: NOW,
    ...record,
  });
  const { id, state } = made;
  await on.database.write(async (tx) => {
    await tx.insertImport(
      made,
      tasks.map((task, position) => aTask(id, { position, ...task })),
    );
    await tx.appendEvent(id, NOW, 'import.running', { state: 'running' });
    if (made.finishedAt !== null) await tx.appendEvent(id, NOW, `import.${state}`, { state });
  });
  return id;
}

describe('POST /v2/images/{id}/import', () => {
  it.each<[number, string, unknown]>([
    [400, 'BODY_INVALID', {}],
    [400, 'BODY_INVALID', { method: {} }],
    [400, 'BODY_INVALID', { method: { name: 'glance-direct' }, all_stores: 'yes' }],
    [400, 'BODY_INVALID', { method: { name: 'glance-direct' }, stores: [] }],
    [400, 'BODY_INVALID', { method: { name: 'glance-direct' }, cheksum: 'md5:00' }],
    [400, 'CHECKSUM_INVALID', { method: { name: 'glance-direct' }, checksum: 'md5:00' }],
    [400, 'CHECKSUM_INVALID', { method: { name: 'glance-direct' }, checksum: 'crc32:00112233' }],
    [400, 'METHOD_UNKNOWN', { method: { name: 'carrier-pigeon' } }],
    [409, 'IMAGE_STATE', { method: { name: 'glance-direct' } }],
  ])('answers %i %s', async (status, expected, body) => {
    const { id } = await rig.api.createImage();
    const answer = await rig.api.import(id, body as Record<string, unknown>);
    expect([answer.status, code(answer.body)]).toEqual([status, expected]);
  });

  it('is for those who may change the image', async () => {
    await using own = await httpRig({ config: trustingHeaders });
    const made = await own.api.call('POST', '/v2/images', {
      headers: memberOf('p'),
      json: { visibility: 'community' },
    });
    const { id } = made.body as { id: string };
    const ask = (path: string, project: string) =>
      own.api.call('POST', path, {
        headers: memberOf(project),
        json: { method: { name: 'glance-direct' } },
      });
    expect((await ask(`/v2/images/${id}/import`, 'q')).status).toBe(403);
    expect((await ask(`/stowage/v1/images/${id}/plan`, 'q')).status).toBe(403);
    expect((await ask(`/v2/images/${id}/import`, 'p')).status).toBe(409);
  });
});

describe('an import that is shown', () => {
  it('has its tasks, its progress and why it waits', async () => {
    const { id: imageId } = await rig.api.createImage();
    const id = await runningImport(imageId, {}, [
      { state: 'succeeded', attempt: 1, output: { n: 1 }, startedAt: NOW, finishedAt: NOW },
      {
        entry: 'convert',
        plugin: 'convert',
        state: 'running',
        attempt: 2,
        progressDone: 25,
        progressTotal: 100,
      },
      {
        entry: 'store',
        plugin: 'store',
        store: 'fast',
        state: 'waiting',
        reason: 'no slot is free',
      },
    ]);
    const { body } = await rig.api.call('GET', `/stowage/v1/imports/${id}`);
    expect(body).toEqual({
      id,
      image_id: imageId,
      method: 'glance-direct',
      params: {},
      stores: ['fast', 'slow'],
      all_stores_must_succeed: false,
      state: 'running',
      waiting_reason: 'no slot is free',
      cancel: null,
      created_at: NOW.toISOString(),
      started_at: NOW.toISOString(),
      finished_at: null,
      request_id: 'req-1',
      bytes: { done: 25, total: 100, rate: null, eta_seconds: null },
      failure: null,
      tasks: [
        expect.objectContaining({
          position: 0,
          name: 'stage',
          state: 'succeeded',
          output: { n: 1 },
        }),
        {
          position: 1,
          name: 'convert',
          plugin: 'convert',
          store: null,
          state: 'running',
          attempt: 2,
          reason: null,
          progress: { done: 25, total: 100, percent: 25, rate: null, eta_seconds: null },
          output: null,
          failure: null,
          retry_at: null,
          started_at: null,
          finished_at: null,
        },
        expect.objectContaining({ position: 2, store: 'fast', reason: 'no slot is free' }),
      ],
    });
  });

  it('shows failures whole, and as a task with its message', async () => {
    const { id: imageId } = await rig.api.createImage();
    const failure = {
      class: 'rejected',
      code: 'BACKING_FILE_PRESENT',
      message: 'The image has a backing file',
      hint: 'Flatten it',
      task: 'convert',
    } as const;
    const id = await runningImport(imageId, { state: 'failed', failure, finishedAt: NOW });
    expect((await rig.api.call('GET', `/stowage/v1/imports/${id}`)).body).toMatchObject({
      state: 'failed',
      failure: { ...failure, store: null, details: {}, causes: [] },
    });
    const task = (await rig.api.call('GET', `/v2/tasks/${id}`)).body;
    expect(task).toMatchObject({
      id,
      type: 'api_image_import',
      status: 'failure',
      owner: 'default',
      user_id: 'u',
      image_id: imageId,
      request_id: 'req-1',
      message: 'convert: The image has a backing file. Flatten it',
      input: { import_req: { method: { name: 'glance-direct' } } },
      result: null,
      created_at: '2026-01-02T03:04:05Z',
      self: `/v2/tasks/${id}`,
      schema: '/v2/schemas/task',
    });
    const { expires_at } = task as { expires_at: string };
    expect(Date.parse(expires_at)).toBe(
      Math.floor((NOW.getTime() + rig.config.imports.retentionMs) / 1000) * 1000,
    );
    const ofImage = (await rig.api.call('GET', `/v2/images/${imageId}/tasks`)).body;
    expect(ofImage).toEqual({ tasks: [task] });
  });

  it('tells clients of the Image API which stores it goes to, and which have failed', async () => {
    const { id } = await rig.api.createImage();
    expect(await rig.api.image(id)).not.toHaveProperty('os_glance_failed_import');
    const importId = await runningImport(id, {}, [
      { entry: 'store', store: 'fast', state: 'succeeded' },
      { entry: 'store', store: 'slow', state: 'running' },
    ]);
    expect(await rig.api.image(id)).toMatchObject({
      os_glance_importing_to_stores: 'slow',
      os_glance_failed_import: '',
      os_glance_import_task: importId,
    });
    await rig.database.write(async (tx) => {
      await tx.updateTask(importId, 1, { state: ['running'] }, { state: 'failed' });
      await tx.updateImport(
        importId,
        { state: ['running'], epoch: 1 },
        { state: 'succeeded', finishedAt: NOW },
      );
    });
    const after = await rig.api.image(id);
    expect(after).toMatchObject({
      os_glance_importing_to_stores: '',
      os_glance_failed_import: 'slow',
    });
    expect(after).not.toHaveProperty('os_glance_import_task');
  });

  it('tells of the newest import only, in lists as well', async () => {
    const { id } = await rig.api.createImage({ name: 'twice imported' });
    const at = (second: number) => new Date(NOW.getTime() + second * 1000);
    const failed = { state: 'failed', createdAt: at(0), finishedAt: at(1) } as const;
    const succeeded = { state: 'succeeded', createdAt: at(2), finishedAt: at(3) } as const;
    const stores = [
      { store: 'fast', state: 'succeeded' },
      { store: 'slow', state: 'failed' },
    ] as const;
    await runningImport(id, failed);
    expect(await rig.api.image(id)).toMatchObject({ os_glance_failed_import: 'fast,slow' });
    await runningImport(id, succeeded, stores);
    const { body } = await rig.api.call('GET', '/v2/images?name=twice%20imported');
    expect(body).toMatchObject({ images: [{ id, os_glance_failed_import: 'slow' }] });
  });

  it('learns what a user patches meanwhile', async () => {
    const { id } = await rig.api.createImage();
    const importId = await runningImport(id);
    await rig.api.call('PATCH', `/v2/images/${id}`, {
      headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
      body: JSON.stringify([
        { op: 'replace', path: '/min_disk', value: 5 },
        { op: 'add', path: '/os_distro', value: 'debian' },
      ]),
    });
    const record = await rig.database.read.import(importId);
    expect(record?.userPatched.toSorted()).toEqual(['minDisk', 'properties.os_distro']);
  });
});

describe('lists of imports', () => {
  it('come in pages, by state, and only of the own project', async () => {
    const policy = { tasks_api_access: 'role:reader' };
    await using own = await httpRig({
      config: (config) => ({ ...trustingHeaders(config), policy }),
    });
    const make = async (project: string) => {
      const headers = memberOf(project);
      const made = await own.api.call('POST', '/v2/images', { headers, json: {} });
      return (made.body as { id: string }).id;
    };
    const [mine, theirs] = [await make('p'), await make('q')];
    const ids: string[] = [];
    for (const [index, state] of (['succeeded', 'failed', 'running'] as const).entries()) {
      const at = new Date(NOW.getTime() + index * 1000);
      const finished = state === 'running' ? {} : { finishedAt: at };
      ids.push(await runningImport(mine, { state, createdAt: at, ...finished }, [{}], own));
    }
    await runningImport(theirs, {}, [{}], own);

    const list = async (path: string, headers = memberOf('p')) => {
      const { body } = await own.api.call('GET', path, { headers });
      const page = body as { imports?: { id: string }[]; tasks?: { id: string }[]; next?: string };
      return { ids: (page.imports ?? page.tasks ?? []).map(({ id }) => id), next: page.next };
    };
    const [oldest, middle, newest] = ids;
    const first = await list('/stowage/v1/imports?limit=2');
    expect(first.ids).toEqual([newest, middle]);
    expect((await list(first.next ?? '')).ids).toEqual([oldest]);
    expect((await list('/stowage/v1/imports?state=failed,running')).ids).toEqual([newest, middle]);
    expect((await list(`/stowage/v1/imports?image_id=${theirs}`)).ids).toEqual([]);
    expect((await list('/stowage/v1/imports', memberOf('ops', 'admin'))).ids).toHaveLength(4);

    expect((await list('/v2/tasks')).ids).toEqual([newest, middle, oldest]);
    expect((await list('/v2/tasks?status=success')).ids).toEqual([oldest]);
    expect((await list('/v2/tasks?type=import')).ids).toEqual([]);
    expect((await list('/v2/tasks?sort_dir=asc&limit=1')).ids).toEqual([oldest]);

    const foreign = { headers: memberOf('q') };
    expect((await own.api.call('GET', `/stowage/v1/imports/${ids[0] ?? ''}`, foreign)).status).toBe(
      404,
    );
    expect((await own.api.call('GET', `/v2/tasks/${ids[0] ?? ''}`, foreign)).status).toBe(404);
    expect(
      (await own.api.call('POST', `/stowage/v1/imports/${ids[2] ?? ''}/cancel`, foreign)).status,
    ).toBe(404);
  });

  it.each(['/stowage/v1/imports?state=odd', '/v2/tasks?status=odd', '/v2/tasks?type=odd'])(
    'answer 400 to %s',
    async (path) => {
      expect((await rig.api.call('GET', path)).status).toBe(400);
    },
  );
});

describe('events', () => {
  it('are sent with their numbers, from where the client was, to the end', async () => {
    const { id: imageId } = await rig.api.createImage();
    const id = await runningImport(imageId, { state: 'succeeded', finishedAt: NOW });
    const path = `/stowage/v1/imports/${id}/events`;
    const all = await rig.api.call('GET', path);
    expect(all.headers['content-type']).toMatch(/^text\/event-stream/);
    const at = NOW.toISOString();
    const frame = (sequence: number, type: string) =>
      `id: ${sequence}\nevent: import.${type}\ndata: ${JSON.stringify({
        sequence,
        at,
        type: `import.${type}`,
        state: type,
      })}\n\n`;
    expect(all.text).toBe(`retry: 1000\n\n${frame(1, 'running')}${frame(2, 'succeeded')}`);

    const rest = await rig.api.call('GET', path, { headers: { 'last-event-id': '1' } });
    expect(rest.text).toBe(`retry: 1000\n\n${frame(2, 'succeeded')}`);
    const over = await rig.api.call('GET', path, { headers: { 'last-event-id': '2' } });
    expect([over.status, over.text]).toEqual([204, '']);
    const odd = await rig.api.call('GET', path, { headers: { 'last-event-id': 'x' } });
    expect(odd.status).toBe(400);
  });

  it('end when the server stops', async () => {
    await using own = await httpRig();
    const { id: imageId } = await own.api.createImage();
    const id = await runningImport(imageId, {}, [{}], own);
    const { body } = await fetch(`${own.url}/stowage/v1/imports/${id}/events`);
    const text = (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream());
    const parts = text[Symbol.asyncIterator]();
    let seen = '';
    while (!seen.includes('import.running')) seen += (await parts.next()).value ?? '';
    const started = performance.now();
    await own.close(60_000);
    expect((await parts.next()).done).toBe(true);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
