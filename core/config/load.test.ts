import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from './load.js';
import type { ConfigSources } from './load.js';
import { ConfigError, describeProblem } from './problem.js';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'stowage-config-'));
});

afterEach(() => {
  rmSync(dir, { recursive: true });
});

/** Writes the config file and loads it, with nothing of the real environment. */
function load(
  yaml: string | undefined,
  sources: ConfigSources = {},
): ReturnType<typeof loadConfig> {
  if (yaml !== undefined) writeFileSync(path.join(dir, 'stowage.yaml'), yaml);
  const file = yaml === undefined ? undefined : 'stowage.yaml';
  return loadConfig({ file, env: {}, cwd: dir, isTerminal: false, ...sources });
}

function problems(yaml: string | undefined, sources: ConfigSources = {}): readonly string[] {
  try {
    load(yaml, sources);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) =>
      describeProblem(problem).replaceAll(`${dir}/`, '').trim().replace(/\n\s+/, ' | '),
    );
  }
  throw new Error('the configuration was accepted');
}

describe('loadConfig', () => {
  it('has a default for everything', () => {
    expect(load(undefined)).toMatchObject({
      file: undefined,
      dataDir: path.join(dir, 'data'),
      server: { host: '127.0.0.1', port: 9292 },
      auth: { mode: 'none', allowRemote: false },
      stores: [{ id: 'default', driver: 'filesystem', isDefault: true, config: { path: 'store' } }],
      staging: { path: path.join(dir, 'data/staging'), capacity: 'auto' },
      images: { maxSize: 2 ** 40, hashAlgorithm: 'sha512' },
      imports: {
        uploads: 'observe',
        methods: [{ name: 'glance-direct' }, { name: 'web-download' }, { name: 'copy-image' }],
        pipelines: [
          {
            when: undefined,
            tasks: [{ id: 'stage' }, { id: 'introspect' }, { id: 'virtual-size' }, { id: 'store' }],
          },
        ],
      },
      log: { level: 'info', format: 'json' },
    });
  });

  it('reads short and long forms of methods, tasks and conditions', () => {
    const { stores, staging, imports } = load(`
stores:
  - { id: fast, driver: filesystem, path: fast, default: true }
staging: { capacity: 50 GiB }
imports:
  methods: [glance-direct, { name: web-download, config: { allow: [10.20.0.0/16] } }, copy-image]
  uploads: observe
  pipeline:
    - stage
    - introspect
    - virtual-size
    - plugin: convert
      config: { output_format: raw }
      when: { disk_format: [qcow2, vmdk, vhd] }
      concurrency: 2
    - plugin: '@acme/stowage-plugin-scan'
    - plugin: cinder-clone
      enabled: false
    - store
`);
    expect(stores).toEqual([
      {
        id: 'fast',
        driver: 'filesystem',
        isDefault: true,
        description: '',
        config: { path: 'fast' },
      },
    ]);
    expect(staging.capacity).toBe(50 * 2 ** 30);
    expect(imports.methods).toEqual([
      { name: 'glance-direct', enabled: true, config: {} },
      { name: 'web-download', enabled: true, config: { allow: ['10.20.0.0/16'] } },
      { name: 'copy-image', enabled: true, config: {} },
    ]);
    const tasks = imports.pipelines[0]?.tasks ?? [];
    expect(tasks.map(({ plugin, enabled }) => [plugin, enabled])).toEqual([
      ['stage', true],
      ['introspect', true],
      ['virtual-size', true],
      ['convert', true],
      ['@acme/stowage-plugin-scan', true],
      ['cinder-clone', false],
      ['store', true],
    ]);
    expect(tasks[3]).toEqual({
      id: 'convert',
      plugin: 'convert',
      enabled: true,
      config: { output_format: 'raw' },
      when: { diskFormat: ['qcow2', 'vmdk', 'vhd'] },
      retry: {},
      timeoutMs: undefined,
      concurrency: 2,
    });
  });

  it('reads how Keystone is reached, and says what is missing', () => {
    const base = 'auth: { mode: keystone, keystone: { url: "https://id.example/", ';
    expect(load(`${base} user: stowage, password: s } }`).auth).toMatchObject({
      mode: 'keystone',
      url: 'https://id.example/v3',
      publicUrl: 'https://id.example/v3',
      credential: { kind: 'password', user: 'stowage', project: 'service' },
      cacheMs: 300_000,
      outageMs: 3_600_000,
    });
    expect(
      load(`${base} application_credential_id: i, application_credential_secret: s } }`).auth,
    ).toMatchObject({ credential: { kind: 'application', id: 'i' } });
    const words = (yaml: string) => problems(yaml).map((text) => text.split(' | ')[0]);
    expect(words('auth: keystone')).toEqual(['stowage.yaml:1:1 auth.keystone: is missing']);
    expect(words(`${base} user: stowage } }`)).toEqual([
      'stowage.yaml:1:25 auth.keystone: has no credential to check tokens with',
    ]);
    expect(words('auth: { keystone: { url: "https://id.example" } }')).toEqual([
      'stowage.yaml:1:9 auth.keystone: has no effect with `mode: none`',
    ]);
  });

  it('reads rules of the policy, and says which are wrong', () => {
    expect(load('policy: { operators: "role:ops", copy_image: rule:operators }').policy).toEqual({
      operators: 'role:ops',
      copy_image: 'rule:operators',
    });
    expect(problems(`policy: { copy_imag: 'role:ops', get_image: 'rule:get_image' }`)).toEqual([
      'stowage.yaml:1:11 policy.copy_imag: The rule "copy_imag" guards nothing | Did you mean "copy_image"?',
      'stowage.yaml:1:34 policy.get_image: The rule "get_image" comes back to itself | Break the circle of "rule:" checks',
    ]);
  });

  it('reads rules for properties, which may use those of the policy', () => {
    const text = `policy: { billing: 'role:billing' }
images:
  property_protections:
    - { match: '^x_', create: 'rule:billing', read: '@' }
`;
    expect(load(text).images.propertyProtections).toEqual([
      { match: '^x_', create: 'rule:billing', read: '@', update: '!', delete: '!' },
    ]);
    const wrong = text.replace("'^x_'", "'(x'").replace('rule:billing', 'rule:biling');
    expect(problems(wrong)).toEqual([
      'stowage.yaml:1:11 policy.billing: The rule "billing" guards nothing | Correct its name, or use it in another rule with "rule:"',
      'stowage.yaml:4:9 images.property_protections[0].match: is no regular expression: Invalid regular expression: /(x/: Unterminated group | Write it as JavaScript knows it; brackets come in pairs',
      'stowage.yaml:4:22 images.property_protections[0].create: There is no rule "biling" | Declare it among the rules of the policy, or name one that there is',
    ]);
  });

  it('takes quotas from one source', () => {
    const auth =
      'auth: { mode: keystone, keystone: { url: "https://id.example", user: u, password: p } }';
    expect(load(`${auth}\nquotas: { source: keystone, region: one }`).quotas).toEqual({
      source: 'keystone',
      region: 'one',
    });
    expect(
      load('quotas: { image_size_total: 1 KiB, projects: { p: { image_size_total: unlimited } } }')
        .quotas,
    ).toEqual({
      source: 'config',
      defaults: { image_size_total: 1024 },
      projects: { p: { image_size_total: null } },
    });
    expect(problems('quotas: { source: keystone, image_count_total: 1 }')).toEqual([
      'stowage.yaml:1:29 quotas.image_count_total: has no effect with `source: keystone` | Register the limit with Keystone',
      'stowage.yaml:1:11 quotas.source: needs a user of Keystone who may read the limits of all projects | Write `auth: { mode: keystone, keystone: { user: …, password: … } }`, and give the user the role reader in the system',
    ]);
  });

  it('takes no password in the URL of a webhook, and does not show it', () => {
    const found = (url: string) => problems(`notifications: { webhook: { url: "${url}" } }`);
    expect(found('https://a:hunter2@c/')).toEqual([
      'stowage.yaml:1:29 notifications.webhook.url: expected a URL without a user: headers can say who sends, found "https://a:[secret]@c/"',
    ]);
    expect(found('nonsense')).toHaveLength(1);
    const fine = 'notifications: { webhook: { url: "https://events.example/a@b" } }';
    expect(load(fine).notifications.webhook?.url).toBe('https://events.example/a@b');
  });

  it('says which properties an image cannot be told to have', () => {
    expect(problems('images: { properties: { size: {}, x: { pattern: "[" } } }')).toEqual([
      'stowage.yaml:1:25 images.properties.size: "size" is no extra property | Choose a name that images do not have by themselves',
      'stowage.yaml:1:40 images.properties.x.pattern: is no regular expression: Invalid regular expression: /[/: Unterminated character class | Write it as JavaScript knows it; brackets come in pairs',
    ]);
  });

  it('compiles every kind of condition', () => {
    const { imports } = load(`
imports:
  pipelines:
    - when:
        disk_format: raw
        container_format: [bare, ovf]
        size: { min: 1 GiB, max: 10 GB }
        project: p1
        role: [admin]
        method: web-download
        store: default
        property: { os_type: [linux, windows], hw_scsi: true, version: 12 }
      tasks: [stage, store]
`);
    expect(imports.pipelines[0]?.when).toEqual({
      diskFormat: ['raw'],
      containerFormat: ['bare', 'ovf'],
      size: { min: 2 ** 30, max: 10e9 },
      project: ['p1'],
      role: ['admin'],
      method: ['web-download'],
      store: ['default'],
      property: { os_type: ['linux', 'windows'], hw_scsi: ['true'], version: ['12'] },
    });
  });

  it('takes the environment over the file and flags over both', () => {
    const yaml = 'server: { host: 127.0.0.2, port: 1 }\nimages: { max_tags: 5 }\n';
    const env = { STOWAGE__SERVER__HOST: '127.0.0.3', STOWAGE__server__port: '2', OTHER: 'x' };
    const { server, images } = load(yaml, { env, flags: { port: 3 } });
    expect([server.host, server.port, images.maxTags]).toEqual(['127.0.0.3', 3, 5]);
  });

  it('lets the environment reach into lists, their defaults and short forms', () => {
    const { stores, imports, auth } = load('auth: headers\n', {
      env: {
        STOWAGE__STORES__0__PATH: '/srv/images',
        STOWAGE__STORES__1: '{ id: b, driver: filesystem, path: b }',
        STOWAGE__IMPORTS__METHODS__1__CONFIG__ALLOW: '[10.0.0.0/8]',
        STOWAGE__IMPORTS__PIPELINE__3__TIMEOUT: '5 min',
        STOWAGE__AUTH__TRUSTED: '[10.1.0.0/16]',
        STOWAGE__LOG__LEVEL: '',
      },
    });
    expect(stores.map(({ id, config }) => [id, config])).toEqual([
      ['default', { path: '/srv/images' }],
      ['b', { path: 'b' }],
    ]);
    expect(imports.methods[1]).toEqual({
      name: 'web-download',
      enabled: true,
      config: { allow: ['10.0.0.0/8'] },
    });
    expect(imports.pipelines[0]?.tasks[3]).toMatchObject({ plugin: 'store', timeoutMs: 300_000 });
    expect(auth).toEqual({ mode: 'headers', trusted: ['10.1.0.0/16'] });
  });

  it('starts the data dir at the file that names it, and at the working directory otherwise', () => {
    const cwd = path.join(dir, 'elsewhere');
    mkdirSync(cwd);
    const file = path.join(dir, 'stowage.yaml');
    expect(load('data_dir: here\n', { cwd, file }).dataDir).toBe(path.join(dir, 'here'));
    expect(load('log: { level: warn }\n', { cwd, file }).dataDir).toBe(path.join(cwd, 'data'));
    const env = { STOWAGE__DATA_DIR: 'there' };
    expect(load('data_dir: here\n', { cwd, file, env }).dataDir).toBe(path.join(cwd, 'there'));
    const flags = { dataDir: 'flagged' };
    expect(load('data_dir: here\n', { cwd, file, env, flags }).dataDir).toBe(
      path.join(cwd, 'flagged'),
    );
  });

  it('gives a config that nobody can change', () => {
    const config = load(undefined);
    expect(() => {
      (config.imports.pipelines[0]?.tasks as unknown[]).push('x');
    }).toThrow(TypeError);
    expect(Object.isFrozen(config.server)).toBe(true);
  });

  it('names every problem at once, with its place, what was found and the fix', () => {
    const yaml = `server: { port: "x", hots: 1 }
stores:
  - { id: fast, driver: filesystem, path: fast, default: true }
  - { id: slow, default: yes }
staging: { capacity: 50 GX, retention: 30 }
imports:
  methods: [glance-direct, { nam: web-download }, 3]
  uploads: observ
  pipeline:
    - stage
    - plugin: convert
      when: { disk_format: [qcow] }
      concurency: 2
auth: kerberos
imagse: {}
`;
    expect(problems(yaml)).toEqual([
      'stowage.yaml:15:1 imagse: unknown key "imagse" | Did you mean "images"?',
      'stowage.yaml:1:11 server.port: expected a number, found "x"',
      'stowage.yaml:1:22 server.hots: unknown key "hots" | Did you mean "host"?',
      'stowage.yaml:14:1 auth: expected "none", "headers", "keystone" or a mapping, found "kerberos"',
      'stowage.yaml:4:5 stores[1].driver: expected a text, found nothing',
      'stowage.yaml:4:17 stores[1].default: expected true or false, found "yes"',
      'stowage.yaml:5:12 staging.capacity: expected a size in bytes such as "512 MiB", "50 GiB" or 1048576, found "50 GX"',
      'stowage.yaml:5:29 staging.retention: expected a duration with its unit such as "30 s", "5 min", "2 h" or "7 d", found 30',
      'stowage.yaml:7:28 imports.methods[1].name: expected a text, found nothing',
      'stowage.yaml:7:30 imports.methods[1].nam: unknown key "nam" | Did you mean "name"?',
      'stowage.yaml:7:51 imports.methods[2]: expected a text or a mapping, found 3',
      'stowage.yaml:8:3 imports.uploads: expected "observe", "full", "refuse", found "observ" | Did you mean "observe"?',
      'stowage.yaml:12:29 imports.pipeline[1].when.disk_format[0]: expected "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "ploop", "iso", found "qcow" | Did you mean "qcow2"?',
      'stowage.yaml:13:7 imports.pipeline[1].concurency: unknown key "concurency" | Did you mean "concurrency"?',
    ]);
  });

  it('names the variable or flag that is wrong', () => {
    const env = {
      STOWAGE__SERVER__PRT: '1',
      STOWAGE__STORES__4__PATH: 'x',
      STOWAGE__DATA_DIR__X: '1',
      STOWAGE__LOG: '{',
    };
    const found = problems('data_dir: d\n', { env, flags: { port: 70_000 } });
    expect(found).toEqual([
      expect.stringMatching(/^environment STOWAGE__LOG log: the value is not YAML: /),
      'environment STOWAGE__DATA_DIR__X data_dir: is a single value, so it has no "x"',
      'environment STOWAGE__STORES__4__PATH stores[4]: the list has 1 entries, so "4" is no place in it',
      'flag --port server.port: expected at most 65535, found 70000',
      'environment STOWAGE__SERVER__PRT server.prt: unknown key "prt" | Did you mean "port"?',
    ]);
  });

  it.each([
    ['a syntax error', 'server: [\n', /^stowage\.yaml:2:1: /],
    [
      'a key that stands twice',
      'log: {}\nlog: {}\n',
      /^stowage\.yaml:2:1: Map keys must be unique/,
    ],
    ['a file that is a list', '- a\n', /expected a mapping of sections/],
  ])('refuses %s', (_, yaml, message) => {
    expect(problems(yaml)).toEqual([expect.stringMatching(message)]);
  });

  it('refuses a file that is missing', () => {
    expect(problems(undefined, { file: 'none.yaml' })).toEqual([
      expect.stringMatching(/^there is no such file | Name a YAML file/),
    ]);
  });

  it('takes an empty file and empty sections as defaults', () => {
    expect(load('')).toEqual({ ...load(undefined), file: path.join(dir, 'stowage.yaml') });
    expect(load('server:\nlog:\n').server).toEqual(load(undefined).server);
  });
});

describe('rules that join several settings', () => {
  it.each([
    ['0.0.0.0', false],
    ['::', false],
    ['192.0.2.1', false],
    ['images.example.org', false],
    ['127.9.9.9', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['localhost', true],
  ])('auth none on host %s: accepted is %s', (host, accepted) => {
    const yaml = `server: { host: '${host}' }\n`;
    if (accepted) expect(load(yaml).server.host).toBe(host);
    else
      expect(problems(yaml)).toEqual([
        expect.stringMatching(/can be reached from outside.*allow_remote: true/),
      ]);
  });

  it('lets auth none be reached from outside only when that is written down', () => {
    const yaml = 'server: { host: 0.0.0.0 }\nauth: { allow_remote: true }\n';
    expect(load(yaml).auth).toEqual({ mode: 'none', allowRemote: true });
    expect(load('server: { host: 0.0.0.0 }\nauth: headers\n').auth).toEqual({
      mode: 'headers',
      trusted: ['127.0.0.0/8', '::1/128'],
    });
  });

  it.each([
    ['auth: { trusted: [10.0.0.0/8] }', /auth\.trusted: has no effect with `mode: none`/],
    [
      'stores: [{ id: a, driver: d }, { id: a, driver: d }]',
      /stores\[1\]\.id: "a" is the id of stores\[0\] already/,
    ],
    [
      'stores: [{ id: a, driver: d, default: true }, { id: b, driver: d, default: true }]',
      /stores\[1\]\.default: stores\[0\] is the default already/,
    ],
    [
      'images: { relaxed_rules: [header-checksum, bakcing-file] }',
      /relaxed_rules\[1\]: no safety rule has the name "bakcing-file" \| Did you mean "backing-file"/,
    ],
    ['images: { relaxed_rules: [encrypted] }', /the safety rule "encrypted" refuses nothing/],
    ['imports: { methods: [copy-image, copy-image] }', /stands in methods\[0\] already/],
    [
      'imports: { pipeline: [stage], pipelines: [{ tasks: [stage] }] }',
      /stands beside `pipelines`/,
    ],
    ['imports: { pipeline: [stage, a, a] }', /pipeline\[2\]: "a" is the name of entry 1 already/],
    [
      'imports: { pipelines: [{ tasks: [stage] }, { when: { role: x }, tasks: [stage] }] }',
      /pipelines\[0\]: takes every import/,
    ],
    [
      'imports: { pipeline: [{ plugin: a, when: { size: { min: 2, max: 1 } } }] }',
      /when\.size: min \(2 B\) is more than max \(1 B\)/,
    ],
    [
      'imports: { pipeline: [{ plugin: a, when: { store: defualt } }] }',
      /no store has the id "defualt" \| Did you mean "default"\?/,
    ],
    ['imports: { retry: { backoff: 10 min } }', /retry\.max_backoff: is less than `backoff`/],
  ])('refuses %s', (yaml, message) => {
    expect(problems(`${yaml}\n`)).toEqual([expect.stringMatching(message)]);
  });

  it('lets a plugin stand twice under names of their own', () => {
    const { imports } = load('imports: { pipeline: [stage, a, { plugin: a, id: a2 }, store] }\n');
    expect(imports.pipelines[0]?.tasks.map(({ id }) => id)).toEqual(['stage', 'a', 'a2', 'store']);
  });

  it('makes the first store the default where none is marked', () => {
    const { stores } = load('stores: [{ id: a, driver: d }, { id: b, driver: d }]\n');
    expect(stores.map(({ isDefault }) => isDefault)).toEqual([true, false]);
  });
});
