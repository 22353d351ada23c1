import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.js';
import { stowage } from '../support/command.js';
import { qcow2Image, withBackingFile } from '../support/images/qcow2.js';
import type { Patch } from '../support/images/writer.js';
import { violations } from '../support/invariants.js';
import { problemOf } from '../support/problem.js';
import { startServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';

let dir: Awaited<ReturnType<typeof tempDir>>;
/** A qcow2 that is marked as corrupt. */
let damaged: string;
/** The same, with a backing file. */
let worse: string;

beforeAll(async () => {
  dir = await tempDir();
  damaged = path.join(dir.path, 'damaged.qcow2');
  worse = path.join(dir.path, 'worse.qcow2');
  const corrupt: Patch = (writer) => writer.u64be(72, 2);
  await writeFile(damaged, qcow2Image({ patch: corrupt }));
  const patch: Patch = (writer) => {
    writer.apply(corrupt).apply(withBackingFile('/etc/passwd'));
  };
  await writeFile(worse, qcow2Image({ patch }));
});

afterAll(() => dir[Symbol.asyncDispose]());

async function configOf(name: string, rules: readonly string[]): Promise<string> {
  const config = path.join(dir.path, `${name}.yaml`);
  const lines = [
    'log: { level: info, format: json }',
    'stores: [{ id: one, driver: filesystem, path: store/one }]',
    `images: { relaxed_rules: [${rules.join(', ')}] }`,
  ];
  await writeFile(config, `${lines.join('\n')}\n`);
  return config;
}

describe('a server with a relaxed safety rule', () => {
  it('warns of it at start, lets images that break it in, says so, and refuses all others', async () => {
    const dataDir = path.join(dir.path, 'data');
    const config = await configOf('relaxed', ['corrupt-flag', 'header-checksum']);
    const server = await startServer({ dataDir, config });
    const api = new ApiClient(server.url);
    const warned = server
      .output()
      .split('\n')
      .filter((line) => line.includes('is relaxed'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(warned).toEqual([
      expect.objectContaining({ level: 'warn', rule: 'corrupt-flag' }),
      expect.objectContaining({ level: 'warn', rule: 'header-checksum' }),
    ]);

    const { id } = await api.createImage({ disk_format: 'qcow2' });
    expect((await api.send(id, 'stage', damaged)).status).toBe(204);
    expect((await api.import(id, { method: { name: 'glance-direct' } })).status).toBe(202);
    const { state, tasks } = await api.finished(id);
    expect(state).toBe('succeeded');
    expect((await api.image(id)).status).toBe('active');
    expect(JSON.stringify(tasks)).toContain(
      'corrupt-flag (relaxed): The image is marked as corrupt',
    );

    const other = await api.createImage({ disk_format: 'qcow2' });
    expect(problemOf(await api.send(other.id, 'stage', worse))).toMatchObject({
      status: 415,
      code: 'UNSAFE_IMAGE',
      message: expect.stringContaining('"backing-file"') as string,
    });
    expect(await server.stop()).toBe(0);
    expect(await violations(dataDir)).toEqual([]);
  });

  it('warns of none and refuses the image where no rule is relaxed', async () => {
    const dataDir = path.join(dir.path, 'strict');
    const server = await startServer({ dataDir, config: await configOf('strict', []) });
    const api = new ApiClient(server.url);
    expect(server.output()).not.toContain('is relaxed');
    const { id } = await api.createImage({ disk_format: 'qcow2' });
    const problem = problemOf(await api.send(id, 'stage', damaged));
    expect(problem).toMatchObject({ status: 415, code: 'UNSAFE_IMAGE' });
    expect(problem.message).toContain('"corrupt-flag" at byte 72');
    expect(await server.stop()).toBe(0);
  });

  it('does not start with a name that is no rule', async () => {
    const never = path.join(dir.path, 'never');
    const config = await configOf('unknown', ['header-checksums', 'encrypted']);
    const args = ['serve', '--config', config, '--data-dir', never, '--port', '0'];
    const { code, err } = await stowage(args);
    expect(code).toBe(2);
    expect(err).toContain('no safety rule has the name "header-checksums"');
    expect(err).toContain('Did you mean "header-checksum"?');
    expect(err).toContain('the safety rule "encrypted" refuses nothing');
    expect(existsSync(never)).toBe(false);
  });
});
