import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { PipelineEntry } from '../../config/config.js';
import type { ImportMethod, PluginManifest } from '../../plugin/contract/manifest.js';
import type { ResolvedEntry, ResolvedPipeline } from '../../plugin/plugins.js';
import { anImage } from '../../../test/support/an-image.js';
import { buildFlow } from './flow.js';
import type { FlowInput } from './flow.js';

const retry = { attempts: 5, backoffMs: 100, maxBackoffMs: 1000 };

function entry(name: string, manifest: Partial<PluginManifest> = {}): ResolvedEntry {
  const config: PipelineEntry = {
    id: name,
    plugin: name,
    enabled: true,
    config: {},
    when: undefined,
    retry: {},
    timeoutMs: undefined,
    concurrency: undefined,
  };
  return { entry: config, manifest: { name, apiVersion: 1, ...manifest }, frozenConfig: {} };
}

const standard: ResolvedPipeline = {
  when: undefined,
  tasks: [
    entry('stage', { position: 'first' }),
    entry('introspect', { judgesData: true }),
    entry('convert', { replacesData: true, defaults: { timeoutMs: 7, concurrency: 2 } }),
    entry('store', { perStore: true, position: 'last' }),
  ],
};

function method(name: string, data: ImportMethod['data']): ImportMethod {
  return {
    name,
    description: name,
    params: z.object({}),
    from: ['queued'],
    data,
    source: class {
      source(): never {
        throw new Error('a flow is built without opening a source');
      }
    },
  };
}

function input(overrides: Partial<FlowInput> = {}): FlowInput {
  return {
    pipelines: [standard],
    method: method('web-download', 'new'),
    subject: {
      image: anImage({ diskFormat: 'qcow2' }),
      caller: { projectId: 'p', roles: ['member'] },
      method: 'web-download',
      stores: ['fast', 'slow'],
      size: undefined,
    },
    config: { uploads: 'observe', retry, taskTimeoutMs: 1000 },
    ...overrides,
  };
}

describe('buildFlow', () => {
  it('makes one store task for each target store', () => {
    const flow = buildFlow(input());
    expect(flow.map(({ entry, store }) => [entry, store])).toEqual([
      ['stage', undefined],
      ['introspect', undefined],
      ['convert', undefined],
      ['store', 'fast'],
      ['store', 'slow'],
    ]);
  });

  it('is pure', () => {
    expect(buildFlow(input())).toEqual(buildFlow(input()));
  });

  it('skips what replaces or judges data for copies of an active image', () => {
    const flow = buildFlow(input({ method: method('copy-image', 'existing') }));
    expect(flow.filter(({ skip }) => skip !== undefined).map(({ entry }) => entry)).toEqual([
      'introspect',
      'convert',
    ]);
  });

  it('skips what replaces data for an upload that is only observed, and tries its body once', () => {
    const flow = buildFlow(input({ method: method('upload', 'new') }));
    expect(flow.find(({ entry }) => entry === 'convert')?.skip).toContain('PUT …/file');
    expect(flow[0]?.retry.attempts).toBe(1);
  });

  it('sends an upload through the whole pipeline where config says so', () => {
    const config = { uploads: 'full', retry, taskTimeoutMs: 1000 } as const;
    const flow = buildFlow(input({ method: method('upload', 'new'), config }));
    expect(flow.every(({ skip }) => skip === undefined)).toBe(true);
  });

  it('takes limits from the entry, then the manifest, then config', () => {
    const [stage, , convert] = buildFlow(input());
    expect([stage?.timeoutMs, convert?.timeoutMs, convert?.concurrency]).toEqual([1000, 7, 2]);
  });

  it('takes the first pipeline whose condition holds', () => {
    const raw = { when: { diskFormat: ['raw'] }, tasks: [entry('stage')] };
    expect(buildFlow(input({ pipelines: [raw, standard] }))).toHaveLength(5);
  });

  it('throws NO_PIPELINE when none does', () => {
    const raw = { when: { diskFormat: ['raw'] }, tasks: [entry('stage')] };
    expect(() => buildFlow(input({ pipelines: [raw] }))).toThrow(
      expect.objectContaining({ code: 'NO_PIPELINE' }) as Error,
    );
  });
});
