import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Secret } from '../base/secret.js';
import type { Config } from './config.js';
import { loadConfig } from './load.js';
import { parseSettings } from './parse.js';
import { compileConfig } from './compile.js';
import { SettingsSchema } from './settings.js';
import { showConfig } from './show.js';

const defaults = loadConfig({ env: {}, cwd: '/srv', isTerminal: false });

function reload(text: string): Config {
  const parsed = parseSettings(parse(text) as Record<string, unknown>);
  if (!('settings' in parsed)) throw new Error(JSON.stringify(parsed.problems));
  const { dataDir } = defaults;
  return compileConfig(parsed.settings, { file: undefined, dataDir, isTerminal: false });
}

describe('showConfig', () => {
  it('writes what loads again to the same configuration', () => {
    const config: Config = {
      ...defaults,
      auth: { mode: 'headers', trusted: ['10.0.0.0/8'] },
      stores: defaults.stores.map((store) => ({ ...store, config: { path: '/srv/data/store' } })),
      images: {
        ...defaults.images,
        properties: { os_type: { description: 'System', enum: ['linux'], maxLength: 5 } },
        propertyProtections: [
          { match: '^x_', create: '@', read: 'role:a', update: '!', delete: '!' },
        ],
      },
      quotas: {
        source: 'config',
        defaults: { image_size_total: 1024, image_count_total: 3 },
        projects: { p: { image_size_total: null, image_count_total: 4 } },
      },
      notifications: {
        log: true,
        webhook: { url: 'https://events.example/x', headers: {}, timeoutMs: 1500 },
        disabled: ['task'],
        retentionMs: 60_000,
      },
      imports: {
        ...defaults.imports,
        pipelines: [
          {
            when: { diskFormat: ['raw'], size: { max: 1025 }, property: { a: ['b'] } },
            tasks: [
              {
                id: 'second',
                plugin: 'convert',
                enabled: false,
                config: { output_format: 'raw' },
                when: { role: ['x'] },
                retry: { attempts: 2, backoffMs: 1500 },
                timeoutMs: 90_000,
                concurrency: 3,
              },
            ],
          },
        ],
      },
    };
    expect(reload(showConfig(config))).toEqual(config);
  });

  it('leaves no section and no key of one out', () => {
    const shown = parse(showConfig(defaults)) as Record<string, object>;
    const settings = SettingsSchema.parse({}) as Record<string, unknown>;
    expect(Object.keys(shown).sort()).toEqual(Object.keys(settings).sort());
    for (const section of ['server', 'staging', 'images', 'quotas', 'notifications', 'programs']) {
      expect(Object.keys(shown[section] ?? {}), section).toEqual(
        expect.arrayContaining(Object.keys(settings[section] as object)),
      );
    }
  });

  it('shows absolute paths', () => {
    const shown = showConfig(defaults);
    expect(shown).toContain('data_dir: /srv/data\n');
    expect(shown).toContain('path: /srv/data/staging\n');
    expect(shown).toContain('path: /srv/data/store\n');
  });

  it('masks what is secret or looks like it', () => {
    const config = {
      password: 'hunter2',
      db_passwd: 'hunter2',
      secret_key: 'hunter2',
      accessKey: 'hunter2',
      Authorization: 'hunter2',
      token: 12345,
      nested: { list: [{ api_key: 'hunter2' }] },
      wrapped: new Secret('hunter2') as unknown as string,
      endpoint: 'https://user:hunter2@host/path?x=1',
      proxy: 'http://hunter2@proxy:3128',
      credentials: { anything: 'hunter2' },
      compass: 'north',
      check_password: true,
    };
    const shown = showConfig({
      ...defaults,
      stores: [{ id: 'a', driver: 'd', isDefault: true, description: '', config }],
    });
    expect(shown).not.toContain('hunter2');
    expect(shown).not.toContain('12345');
    expect(shown).toContain('https://user:[secret]@host/path?x=1');
    expect(shown).toContain('compass: north');
    expect(shown).toContain('check_password: true');
  });
});
