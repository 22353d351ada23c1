import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { InvalidInputError, Secret } from '../../../core/api.js';
import { loadPlugins } from '../../../core/plugin/host.js';
import type { PluginHost } from '../../../core/plugin/host.js';
import { methodContext, observed } from '../../../core/plugin/testing/index.js';
import { configFrom, detachedServices, installAcme } from '../../support/plugin-site.js';
import { tempDir } from '../../support/temp-dir.js';

const ACME = '@acme/stowage-plugin-scan';

async function load(directory: string, yaml: string): Promise<PluginHost> {
  const config = await configFrom(directory, yaml);
  return loadPlugins({ config, services: () => detachedServices });
}

/** The faults of a configuration, each as `path: name: problem`. */
async function faults(directory: string, yaml: string): Promise<readonly string[]> {
  const error: unknown = await load(directory, yaml).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof InvalidInputError)) throw new Error('Not faults', { cause: error });
  expect(error.code).toBe('PLUGINS_INVALID');
  const found = error.details['faults'] as unknown as Record<string, string>[];
  for (const { file, fix } of found) {
    expect(path.isAbsolute(file ?? '') || file === 'built-in defaults').toBe(true);
    expect(fix).not.toBe('');
    expect(error.message).toContain(fix);
  }
  return found.map(
    (fault) => `${fault['path'] ?? ''}: ${fault['name'] ?? ''}: ${fault['problem'] ?? ''}`,
  );
}

/** Writes a plugin of one file, which config names as `./NAME.js`. */
async function writePlugin(directory: string, name: string, source: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(path.join(directory, `${name}.js`), source);
}

function taskPlugin(name: string, more = ''): string {
  return `
    import { definePlugin } from 'stowage/plugin';
    class Task { async execute() { return {}; } }
    export default definePlugin({ name: '${name}', apiVersion: 1, task: Task, ${more} });`;
}

describe('loadPlugins', () => {
  it('loads the shipped pipeline from the defaults', async () => {
    await using dir = await tempDir();
    const { plugins, stores } = await load(dir.path, '{}');
    expect(plugins.pipelines[0]?.tasks.map(({ manifest }) => manifest.name)).toEqual([
      'stage',
      'introspect',
      'virtual-size',
      'store',
    ]);
    expect(plugins.methods.map(({ definition }) => definition.name)).toEqual([
      'glance-direct',
      'web-download',
      'copy-image',
      'upload',
      'location-import',
    ]);
    expect(stores.list()).toEqual([
      expect.objectContaining({ id: 'default', driver: 'filesystem', isDefault: true }),
    ]);
  });

  it('loads a package by name: its task, method and store', async () => {
    await using dir = await tempDir();
    await installAcme(dir.path);
    const { plugins, stores } = await load(
      dir.path,
      `
stores:
  - { id: fast, driver: filesystem, path: fast }
  - { id: archive, driver: acme-archive, directory: archive }
imports:
  methods: [glance-direct, { name: acme-mirror, config: { directory: mirror } }]
  pipeline: [stage, '${ACME}', store]`,
    );
    const entry = plugins.pipelines[0]?.tasks[1];
    expect(entry?.frozenConfig).toEqual({ refuse: true });
    const { task, manifest, observerKey } = await plugins.task({
      entry: ACME,
      plugin: ACME,
      config: entry?.frozenConfig ?? {},
    });
    expect(manifest.properties).toEqual(['acme_scan_*']);
    expect(observerKey).toMatch(
      /^@acme\/stowage-plugin-scan:@acme\/stowage-plugin-scan@1\.2\.0:1:/,
    );
    const eicar = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR', '-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'];
    expect(
      observed(
        task,
        eicar.map((part) => Buffer.from(part)),
      ),
    ).toEqual({ size: 68, found: true });

    await stores.get('archive').start?.({ holdsObjects: false });
    const { signal } = new AbortController();
    const { url } = await stores
      .get('archive')
      .write('i/x', Readable.from([Buffer.from('bytes')]), { size: 5, signal });
    expect(await text(await stores.get('archive').open(url, {}))).toBe('bytes');

    const method = plugins.method('acme-mirror');
    await expect(method?.source.check?.({ file: '../x' })).rejects.toBeInstanceOf(
      InvalidInputError,
    );
    await mkdir(path.join(dir.path, 'data/mirror'), { recursive: true });
    await writeFile(path.join(dir.path, 'data/mirror/disk'), '0123456789');
    const source = await method?.source.source(methodContext({ params: { file: 'disk' } }));
    if (source?.kind !== 'stream') throw new Error('no stream');
    expect(source).toMatchObject({ size: 10, resumable: true });
    expect(await text(await source.open(7, signal))).toBe('789');
  });

  it('finds packages in the data dir too, and by "npm:"', async () => {
    await using dir = await tempDir();
    await installAcme(path.join(dir.path, 'data'));
    const { plugins } = await load(
      dir.path,
      `imports: { pipeline: [stage, { plugin: 'npm:${ACME}', id: scan }, store] }`,
    );
    expect(plugins.pipelines[0]?.tasks[1]?.manifest.name).toBe(ACME);
  });

  it('takes a driver and a method from the plugin that their entries name', async () => {
    await using dir = await tempDir();
    await installAcme(dir.path);
    const { plugins, stores } = await load(
      dir.path,
      `
stores: [{ id: archive, driver: '${ACME}', directory: archive }]
imports:
  methods: [{ name: acme-mirror, plugin: '${ACME}', config: { directory: m } }]`,
    );
    expect(stores.info('archive').driver).toBe('acme-archive');
    expect(plugins.method('acme-mirror')?.definition.name).toBe('acme-mirror');
  });

  it('loads a file beside the config file', async () => {
    await using dir = await tempDir();
    await writePlugin(dir.path, 'mine', taskPlugin('mine'));
    const yaml = `imports: { pipeline: [stage, ./mine.js, store] }`;
    const { plugins } = await load(dir.path, yaml);
    expect(plugins.pipelines[0]?.tasks[1]?.manifest.name).toBe('mine');
  });

  it('does not load what is not enabled', async () => {
    await using dir = await tempDir();
    const { plugins } = await load(
      dir.path,
      `
imports:
  methods: [glance-direct, { name: nowhere, enabled: false, plugin: '@acme/missing' }]
  pipeline: [stage, { plugin: cinder-clone, enabled: false }, { plugin: '@acme/missing', enabled: false }, store]`,
    );
    expect(plugins.pipelines[0]?.tasks).toHaveLength(2);
  });

  it('says everything that is wrong at once', async () => {
    await using dir = await tempDir();
    await installAcme(dir.path);
    await writePlugin(dir.path, 'broken', 'throw new Error("broken inside");');
    await writePlugin(dir.path, 'future', 'export default { name: "future", apiVersion: 99 };');
    await writePlugin(
      dir.path,
      'malformed',
      'export default { name: "Mal Formed", apiVersion: 1, positon: "first", task: {} };',
    );
    const found = await faults(
      dir.path,
      `
stores:
  - { id: a, driver: filesystm }
  - { id: b, driver: filesystem, path: 3, color: red }
imports:
  methods: [glance-dirct, { name: acme-mirror, config: {} }, { name: copy-image, plugin: '@acme/missing' }]
  pipeline:
    - store
    - stage
    - { plugin: convert, config: { output_format: qcow, vmdk: { subformt: x } } }
    - plugin: '${ACME}'
    - ./broken.js
    - ./future.js
    - ./malformed.js
    - ./missing.js
    - decompres
    - filesystem`,
    );
    expect(found.map((line) => line.replaceAll(dir.path, 'DIR'))).toEqual([
      expect.stringMatching(
        /^imports\.pipeline\[2\]\.config\.output_format: convert: expected .*"qcow2".*found "qcow"/,
      ),
      expect.stringMatching(
        /^imports\.pipeline\[2\]\.config\.vmdk\.subformt: convert: unknown key/,
      ),
      ': ./broken.js: loading it failed: broken inside',
      expect.stringMatching(/^apiVersion: \.\/future\.js: it is written for version 99/),
      expect.stringMatching(/^name: \.\/malformed\.js: must be kebab-case/),
      expect.stringMatching(/^task: \.\/malformed\.js: must be a class/),
      expect.stringMatching(/^positon: \.\/malformed\.js: unknown key/),
      'imports.pipeline[7]: ./missing.js: there is no plugin at DIR/missing.js',
      'imports.pipeline[8]: decompres: no built-in plugin has this name',
      'imports.pipeline[9]: filesystem: the plugin brings no task',
      'imports.pipeline[0]: store: it must be the last task, and "stage" stands behind it',
      'imports.pipeline[1]: stage: it must be the first task, and "store" stands ahead of it',
      `imports.pipeline[3]: ${ACME}: it must stand ahead of "store"`,
      'imports.methods[2].plugin: @acme/missing: the package is not installed',
      'stores[0].driver: a: no plugin brings the driver "filesystm"',
      'stores[1].path: b: expected a text, found 3',
      'stores[1].color: b: unknown key "color"',
      'imports.methods[0]: glance-dirct: no plugin brings this method',
      'imports.methods[1].config.directory: acme-mirror: expected a text, found nothing',
    ]);
  });

  it('refuses pipelines that bring no bytes or keep none', async () => {
    await using dir = await tempDir();
    expect(await faults(dir.path, 'imports: { pipeline: [introspect] }')).toEqual([
      'imports.pipeline: imports.pipeline: no task brings the bytes into staging',
      'imports.pipeline: imports.pipeline: no task puts the bytes into a store',
    ]);
  });

  it('refuses two plugins of one name, and two that claim one property', async () => {
    await using dir = await tempDir();
    await writePlugin(dir.path, 'one', taskPlugin('same', "properties: ['a_*']"));
    await writePlugin(dir.path, 'two', taskPlugin('same', "properties: ['a_b*', 'c']"));
    expect(
      await faults(dir.path, 'imports: { pipeline: [stage, ./one.js, ./two.js, store] }'),
    ).toEqual([
      ': ./two.js: it has the name "same" as "./one.js" has',
      ': ./two.js: it claims the image properties "a_b*", and "./one.js" claims "a_*"',
    ]);
  });

  it('refuses to write properties of the Image API and of other plugins', async () => {
    await using dir = await tempDir();
    const names = [
      ...['hw_disk_bus', 'os_glance_x', 'os_hash_x', 'owner', 'status', 'locations'],
      ...['x'.repeat(256), 'stowage_source_sha512'],
    ];
    const properties = names.map((name) => `${name}: x`).join(', ');
    const inject = `{ plugin: inject-metadata, config: { rules: [{ properties: { ${properties} } }] } }`;
    const place = 'imports.pipeline[1].config: inject-metadata';
    expect(
      await faults(dir.path, `imports: { pipeline: [stage, ${inject}, convert, store] }`),
    ).toEqual([
      `${place}: the name "os_glance_x" belongs to the Image API`,
      `${place}: the name "os_hash_x" belongs to the Image API`,
      `${place}: the name "owner" belongs to the Image API`,
      `${place}: the name "status" belongs to the Image API`,
      `${place}: the name "locations" belongs to the Image API`,
      `${place}: "${'x'.repeat(256)}" cannot be the name of a property`,
      `${place}: the property "stowage_source_sha512" belongs to the plugin "convert"`,
    ]);
    const fine = `{ plugin: inject-metadata, config: { rules: [{ properties: { stowage_source_x: y } }] } }`;
    await load(dir.path, `imports: { pipeline: [stage, ${fine}, store] }`);
  });

  it('refuses a method that two plugins bring, unless one is chosen', async () => {
    await using dir = await tempDir();
    const source = taskPlugin(
      'rival',
      `methods: [{ name: 'glance-direct', description: '', params: z.strictObject({}),
         from: ['uploading'], data: 'new', source: class { async source() {} } }]`,
    ).replace('{ definePlugin }', '{ definePlugin, z }');
    await writePlugin(dir.path, 'rival', source);
    const pipeline = 'pipeline: [stage, ./rival.js, store]';
    expect(await faults(dir.path, `imports: { methods: [glance-direct], ${pipeline} }`)).toEqual([
      'imports.methods[0]: glance-direct: it is brought by "stage" and "./rival.js"',
    ]);
    const { plugins } = await load(
      dir.path,
      `imports: { methods: [{ name: glance-direct, plugin: ./rival.js }], ${pipeline} }`,
    );
    expect(plugins.method('glance-direct')?.definition.description).toBe('');
  });

  it('names the plugin whose constructor throws or that asks for an unknown service', async () => {
    await using dir = await tempDir();
    await writePlugin(
      dir.path,
      'thrower',
      `export default { name: 'thrower', apiVersion: 1,
        task: class { constructor() { throw new Error('no luck'); } execute() {} } };`,
    );
    await writePlugin(
      dir.path,
      'asker',
      `export default { name: 'asker', apiVersion: 1, task: class { execute() {} },
        inject: [{ name: 'Coffee', symbol: Symbol.for('stowage.service.Coffee') }] };`,
    );
    expect(await faults(dir.path, 'imports: { pipeline: [stage, ./asker.js, store] }')).toEqual([
      'inject[0]: ./asker.js: this server offers no service "Coffee"',
    ]);
    expect(await faults(dir.path, 'imports: { pipeline: [stage, ./thrower.js, store] }')).toEqual([
      ': thrower: its constructor failed: no luck'.replace('thrower', './thrower.js'),
    ]);
  });

  describe('with secrets', () => {
    const SOURCE = `
      import { PluginConfig, definePlugin, secret, z } from 'stowage/plugin';
      class Task { constructor(config) { this.config = config; } async execute() { return {}; } }
      export default definePlugin({ name: 'keeper', apiVersion: 1, task: Task, inject: [PluginConfig],
        config: z.strictObject({ user: z.string(), login: z.strictObject({ password: secret() }) }) });`;
    const yaml = (password: string): string => `
imports:
  pipeline: [stage, { plugin: ./keeper.js, config: { user: u, login: { password: ${password} } } }, store]`;

    it('keeps them out of rows and puts the current ones back', async () => {
      await using dir = await tempDir();
      await writePlugin(dir.path, 'keeper', SOURCE);
      const before = await load(dir.path, yaml('hunter2'));
      const frozen = before.plugins.pipelines[0]?.tasks[1]?.frozenConfig ?? {};
      expect(JSON.stringify(frozen)).not.toContain('hunter2');
      const after = await load(dir.path, yaml('changed'));
      const kept = JSON.parse(JSON.stringify(frozen)) as typeof frozen;
      const { task } = await after.plugins.task({
        entry: './keeper.js',
        plugin: './keeper.js',
        config: kept,
      });
      const { config } = task as unknown as {
        config: { user: string; login: { password: Secret } };
      };
      expect(config.user).toBe('u');
      expect(config.login.password.reveal()).toBe('changed');
    });

    it('says so when the secret is configured no more', async () => {
      await using dir = await tempDir();
      await writePlugin(dir.path, 'keeper', SOURCE);
      const before = await load(dir.path, yaml('hunter2'));
      const config = before.plugins.pipelines[0]?.tasks[1]?.frozenConfig ?? {};
      const { plugins } = await load(dir.path, '{}');
      await expect(
        plugins.task({ entry: './keeper.js', plugin: './keeper.js', config }),
      ).rejects.toMatchObject({ class: 'permanent', code: 'PLUGIN_GONE' });
    });
  });

  it('says so when the plugin of a frozen task is gone', async () => {
    await using dir = await tempDir();
    const { plugins } = await load(dir.path, '{}');
    await expect(plugins.task({ entry: 'scan', plugin: ACME, config: {} })).rejects.toMatchObject({
      code: 'PLUGIN_GONE',
    });
  });

  it('constructs a frozen task with the config that was frozen with it', async () => {
    await using dir = await tempDir();
    const { plugins } = await load(dir.path, 'imports: { pipeline: [stage, store] }');
    const one = await plugins.task({
      entry: 'i',
      plugin: 'introspect',
      config: { mismatch: 'ignore' },
    });
    const two = await plugins.task({
      entry: 'i',
      plugin: 'introspect',
      config: { mismatch: 'refuse' },
    });
    expect((one.task as unknown as { config: unknown }).config).toEqual({ mismatch: 'ignore' });
    expect(one.observerKey).not.toBe(two.observerKey);
  });
});
