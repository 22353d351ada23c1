import { readFile } from 'node:fs/promises';
import type { Endpoint } from '../endpoint.js';
import { run } from '../native.js';
import type { Scenario } from '../scenario.js';

const MIB = 1024 ** 2;
const DIRECT = { method: { name: 'glance-direct' } };
const IMPORTS = 200;
const AT_ONCE = 8;
const LISTED = 1000;
/** Part of the time that an import has taken so far, after which its end is looked for again. */
const POLL_PART = 1;

/** Does `work` for every number below `count`, so many at once. */
export async function inParallel(
  count: number,
  atOnce: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      await work(index);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

interface Load {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p99: number;
}

/** Asks for a path as fast as `wrk` can, over 16 connections. */
export async function load(endpoint: Endpoint, path: string, duration = 5): Promise<Load> {
  const headers = Object.entries(endpoint.headers).flatMap(([name, value]) => [
    '-H',
    `${name}: ${value}`,
  ]);
  const { out } = await run('wrk', [
    ...['-t', '2', '-c', '16', '-d', `${duration}s`, '--latency'],
    ...headers,
    endpoint.url + path,
  ]);
  if (out.includes('Non-2xx')) throw new Error(`${endpoint.name}: ${path}: ${out}`);
  const [, number = 'NaN', unit = ''] = /99%\s+([\d.]+)(us|ms|s)/.exec(out) ?? [];
  const factor = { us: 0.001, ms: 1, s: 1000 }[unit] ?? NaN;
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)?.[1]),
    p99: Number(number) * factor,
  };
}

async function importMany(endpoint: Endpoint, file: string): Promise<number> {
  const ids: string[] = [];
  const bytes = await readFile(file);
  const began = performance.now();
  await inParallel(IMPORTS, AT_ONCE, async () => {
    const id = await endpoint.create();
    ids.push(id);
    await endpoint.stage(id, bytes);
    await endpoint.import(id, DIRECT);
    await endpoint.active(id, POLL_PART);
  });
  const rate = (IMPORTS * 1000) / (performance.now() - began);
  await inParallel(ids.length, AT_ONCE, (index) => endpoint.delete(ids[index] ?? ''));
  return rate;
}

const listed = new Map<string, string>();

/** Makes the images that the lists show, once for each server; answers one of them. */
async function anImageOfMany(endpoint: Endpoint): Promise<string> {
  const known = listed.get(endpoint.url);
  if (known !== undefined) return known;
  await inParallel(LISTED, 4, async (index) => {
    listed.set(endpoint.url, await endpoint.create('raw', `list-${index}`));
  });
  return listed.get(endpoint.url) ?? '';
}

function reading(
  name: string,
  path: (id: string) => string,
  what: keyof Load,
  peerTarget: number,
): Scenario {
  return {
    name: `${name}${what === 'p99' ? ', p99' : ''}`,
    setup: 'plain',
    unit: what === 'p99' ? 'ms' : '/s',
    peerTarget,
    measure: async (endpoint) => {
      const id = await anImageOfMany(endpoint);
      return (await load(endpoint, path(id)))[what];
    },
  };
}

/** Many small requests. */
export const MANY: readonly Scenario[] = [
  {
    name: `${IMPORTS} imports of 1 MiB, ${AT_ONCE} at once`,
    setup: 'plain',
    unit: '/s',
    peerTarget: 8,
    measure: async (endpoint, { files }) => importMany(endpoint, await files.raw(MIB)),
  },
  reading('GET images?limit=25', () => '/v2/images?limit=25', 'perSecond', 10),
  reading('GET images?limit=25', () => '/v2/images?limit=25', 'p99', 5),
  reading('GET images/{id}', (id) => `/v2/images/${id}`, 'perSecond', 10),
  reading('GET images/{id}', (id) => `/v2/images/${id}`, 'p99', 5),
];
