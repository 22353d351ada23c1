import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../../support/api-client.js';
import { stowage } from '../../support/command.js';
import type { Finished } from '../../support/command.js';
import { violations } from '../../support/invariants.js';
import { startServer } from '../../support/server.js';
import { tempDir } from '../../support/temp-dir.js';

let dir: Awaited<ReturnType<typeof tempDir>>;
/** No start below may make anything here. */
let never: string;

beforeAll(async () => {
  dir = await tempDir();
  never = path.join(dir.path, 'never');
});

afterAll(async () => {
  await dir[Symbol.asyncDispose]();
});

async function serve(
  name: string,
  yaml: string,
): Promise<Finished & { readonly config: string; readonly lines: readonly string[] }> {
  const config = path.join(dir.path, `${name}.yaml`);
  await writeFile(config, yaml);
  const args = ['serve', '--config', config, '--data-dir', never, '--port', '0'];
  const finished = await stowage(args);
  expect(finished.out).toBe('');
  expect(existsSync(never)).toBe(false);
  return { ...finished, config, lines: finished.err.trimEnd().split('\n') };
}

describe('stowage serve ends with 2 and touches nothing', () => {
  it('at wrong values: every problem with its place', async () => {
    const { code, config, lines } = await serve(
      'values',
      [
        'server: { prot: 1, max_json_size: lots }',
        'stores:',
        '  - { id: one, driver: filesystem, path: one }',
        '  - { id: one, driver: filesystem, path: two }',
        'staging: { capacity: 3 bananas }',
        'imports: { uploads: maybe, retry: { attempts: 0 } }',
      ].join('\n'),
    );
    expect(code).toBe(2);
    expect(lines[0]).toBe(`stowage: Cannot use "${config}": 6 problems`);
    expect(lines.slice(1).sort()).toEqual(
      [
        `  ${config}:1:11 server.prot: unknown key "prot"`,
        '    Did you mean "port"?',
        `  ${config}:1:20 server.max_json_size: expected a size in bytes such as "512 MiB", "50 GiB" or 1048576, found "lots"`,
        `  ${config}:4:7 stores[1].id: "one" is the id of stores[0] already`,
        '    Give each store an id of its own',
        `  ${config}:5:12 staging.capacity: expected a size in bytes such as "512 MiB", "50 GiB" or 1048576, found "3 bananas"`,
        `  ${config}:6:12 imports.uploads: expected "observe", "full", "refuse", found "maybe"`,
        `  ${config}:6:37 imports.retry.attempts: expected at least 1, found 0`,
      ].sort(),
    );
  });

  it('at what is no YAML, and at no file', async () => {
    const { code, config, lines } = await serve('broken', 'server: {\n  port: 1\n');
    expect([code, lines[0]]).toEqual([2, `stowage: Cannot use "${config}": one problem`]);
    expect(lines[1]).toContain(`${config}:3:1:`);
    const missing = await stowage(['serve', '--config', path.join(dir.path, 'missing.yaml')]);
    expect([missing.code, missing.err]).toEqual([2, expect.stringContaining('no such file')]);
  });

  it('at unknown plugins, stores, methods and wrong plugin config: all at once', async () => {
    const { code, config, lines } = await serve(
      'plugins',
      [
        'stores: [{ id: one, driver: floppy }]',
        'imports:',
        '  methods: [glance-direct, carrier-pigeon]',
        '  pipeline:',
        '    - stage',
        '    - plugin: convert',
        '      config: { output_format: floppy, colour: red }',
        "    - plugin: '@acme/not-installed'",
        '    - nonsense',
        '    - store',
      ].join('\n'),
    );
    expect([code, lines[0]]).toEqual([2, 'stowage: Cannot use the configured plugins: 6 faults']);
    const text = lines.join('\n');
    for (const fault of [
      'imports.pipeline[1].config.output_format: "convert": expected "raw", "qcow2"',
      'imports.pipeline[1].config.colour: "convert": unknown key "colour"',
      'imports.pipeline[2]: "@acme/not-installed": the package is not installed',
      'imports.pipeline[3]: "nonsense": no built-in plugin has this name',
      'stores[0].driver: "one": no plugin brings the driver "floppy"',
      'imports.methods[1]: "carrier-pigeon": no plugin brings this method',
    ]) {
      expect(text).toContain(`  ${config}: ${fault}`);
    }
    // Each fault is followed by what to do about it.
    expect(lines.filter((line) => /^ {4}\S/.test(line))).toHaveLength(6);
  });

  it.each([
    ['store behind introspect', '[stage, store, introspect]', '"store": it must be the last task'],
    ['stage behind introspect', '[introspect, stage, store]', '"stage": it must be the first task'],
    ['one name twice', '[stage, introspect, introspect, store]', 'is the name of entry 1 already'],
  ])('at a wrong order: %s', async (name, pipeline, fault) => {
    const { code, err } = await serve(
      name.replaceAll(' ', '-'),
      `imports: { pipeline: ${pipeline} }`,
    );
    expect([code, err]).toEqual([2, expect.stringContaining(fault)]);
  });

  it('at a wrong variable of the environment', async () => {
    const wrong = await stowage(['serve', '--data-dir', never], {
      env: { STOWAGE__SERVER__PROT: '3' },
    });
    expect([wrong.code, wrong.err]).toEqual([
      2,
      expect.stringContaining('STOWAGE__SERVER__PROT server.prot: unknown key "prot"'),
    ]);
    expect(existsSync(never)).toBe(false);
  });
});

describe('stowage serve ends with 1', () => {
  it('where another process holds the data directory, which goes on undisturbed', async () => {
    const dataDir = path.join(dir.path, 'held');
    const server = await startServer({ dataDir });
    const second = await stowage(['serve', '--data-dir', dataDir, '--port', '0']);
    expect(second.code).toBe(1);
    expect(second.err).toContain(`is in use by process ${server.pid} at ${server.url}`);
    expect(second.err).toContain('give another data directory');
    const { id } = await new ApiClient(server.url).createImage();
    expect((await new ApiClient(server.url).image(id)).status).toBe('queued');
    // The port is as taken as the directory.
    const { port } = new URL(server.url);
    const other = path.join(dir.path, 'other');
    const third = await stowage(['serve', '--data-dir', other, '--port', port]);
    expect(third.code).toBe(1);
    expect(third.err).toContain(`Port ${port} of "127.0.0.1" is taken`);
    expect(await server.stop()).toBe(0);
    expect(await violations(dataDir)).toEqual([]);
  });

  it('where the data directory is a file', async () => {
    const file = path.join(dir.path, 'file');
    await writeFile(file, 'mine');
    const { code, err } = await stowage(['serve', '--data-dir', file, '--port', '0']);
    expect([code, err]).toEqual([1, expect.stringContaining('Check that it is a directory')]);
  });
});
