import { describe, expect, it } from 'vitest';
import { anImage, silentLog } from '../../core/plugin/testing/index.js';
import type { Image, TaskContext, TaskResult } from '../../core/api.js';
import { InjectConfig, injectedNames } from './inject-config.js';
import { InjectTask } from './inject-task.js';

interface Case {
  readonly image?: Partial<Image>;
  readonly roles?: readonly string[];
  readonly size?: number;
  readonly maxProperties?: number;
}

async function inject(rules: readonly object[], seen: Case = {}): Promise<TaskResult | string> {
  const { image, roles = ['member'], size, maxProperties = 128 } = seen;
  const task = new InjectTask(InjectConfig.parse({ rules }), { maxProperties });
  const context = {
    image: anImage(image),
    data: size === undefined ? undefined : { size },
    caller: { userId: 'u', projectId: 'p1', roles },
    request: { method: 'glance-direct', params: {}, stores: ['fast'] },
    log: silentLog,
  } as unknown as TaskContext;
  return task.skipReason(context) ?? task.execute(context);
}

async function injected(rules: readonly object[], seen?: Case): Promise<unknown> {
  const result = await inject(rules, seen);
  return typeof result === 'string' ? result : result.draft?.properties;
}

describe('inject-metadata', () => {
  it('sets properties as strings', async () => {
    const properties = { hw_disk_bus: 'scsi', hw_vif_multiqueue_enabled: true, hw_cpu_cores: 2 };
    expect(await inject([{ properties }])).toEqual({
      draft: {
        properties: {
          hw_disk_bus: 'scsi',
          hw_vif_multiqueue_enabled: 'true',
          hw_cpu_cores: '2',
        },
      },
      output: { properties: ['hw_disk_bus', 'hw_vif_multiqueue_enabled', 'hw_cpu_cores'] },
    });
  });

  it.each([
    [{ role: 'member' }, { a: 'x' }],
    [{ role: ['auditor'] }, /on the role/],
    [{ project: 'p1', disk_format: ['qcow2', 'raw'], method: 'glance-direct' }, { a: 'x' }],
    [{ disk_format: 'iso' }, /asks for disk_format iso/],
    [{ size: { min: '1 KiB', max: '1 MiB' } }, { a: 'x' }],
    [{ size: { min: '1 MiB' } }, /asks for a size/],
    [{ property: { os_type: ['linux'] } }, { a: 'x' }],
    [{ property: { os_type: 'windows' } }, /on the property "os_type"/],
  ] as const)('when %j: %s', async (when, expected) => {
    const seen = { size: 4096, image: { properties: { os_type: 'linux' } } };
    const found = await injected([{ when, properties: { a: 'x' } }], seen);
    if (expected instanceof RegExp) expect(found).toMatch(expected);
    else expect(found).toEqual(expected);
  });

  it('leaves out who is excepted, as Glance does with its ignored roles', async () => {
    const rules = [{ unless: { role: 'admin' }, properties: { a: 'x' } }];
    expect(await injected(rules, { roles: ['member'] })).toEqual({ a: 'x' });
    expect(await injected(rules, { roles: ['member', 'admin'] })).toMatch(/excepted/);
  });

  it('replaces the user’s value or keeps it, as the rule says', async () => {
    const image = { properties: { a: 'mine' } };
    const properties = { a: 'ours', b: 'ours' };
    expect(await injected([{ properties }], { image })).toEqual({ a: 'ours', b: 'ours' });
    expect(await injected([{ properties, existing: 'keep' }], { image })).toEqual({ b: 'ours' });
  });

  it('applies every rule that holds, the later one last', async () => {
    const rules = [
      { properties: { a: '1', b: '1' } },
      { when: { role: 'auditor' }, properties: { a: '2' } },
      { when: { role: 'member' }, properties: { b: '3' } },
    ];
    expect(await injected(rules)).toEqual({ a: '1', b: '3' });
  });

  it('does nothing to a copy of an active image', async () => {
    const rules = [{ properties: { a: 'x' } }];
    expect(await injected(rules, { image: { status: 'active' } })).toMatch(/a copy/);
  });

  it('refuses to bring an image over its limit of properties', async () => {
    const full = { image: { properties: { a: '1', b: '2' } }, maxProperties: 2 };
    const rules = (properties: object): readonly object[] => [{ properties }];
    await expect(inject(rules({ c: '3' }), full)).rejects.toMatchObject({
      class: 'permanent',
      code: 'PROPERTIES_EXCEEDED',
      message: expect.stringContaining('would have 3; 2 are allowed') as unknown,
    });
    expect(await injected(rules({ a: '3' }), full)).toEqual({ a: '3' });
    expect(await injected(rules({ a: '3' }), { ...full, maxProperties: 1 })).toEqual({ a: '3' });
  });

  it.each([
    [{ rules: [] }],
    [{ rules: [{ properties: {} }] }],
    [{ rules: [{ properties: { a: null } }] }],
    [{ rules: [{ properties: { a: 'x\0' } }] }],
    [{ rules: [{ properties: { a: 'x'.repeat(65_536) } }] }],
    [{ rules: [{ when: { rolle: 'x' }, properties: { a: 'x' } }] }],
  ])('refuses the config %j', (config) => {
    expect(InjectConfig.safeParse(config).success).toBe(false);
  });

  it('names what it may write', () => {
    const rules = [{ properties: { a: '1', b: '1' } }, { properties: { b: '2', c: '1' } }];
    expect(injectedNames(InjectConfig.parse({ rules }))).toEqual(['a', 'b', 'c']);
  });
});
