import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CRASH_POINTS } from '../../../core/base/crash-point.js';
import { serveFiles } from '../../support/file-server.js';
import type { FileServer } from '../../support/file-server.js';
import { qcow2File, randomFile } from '../../support/images.js';
import { tempDir } from '../../support/temp-dir.js';
import { crashRound, prepareTemplate } from './round.js';
import type { Template } from './round.js';
import { SCENARIOS } from './scenarios.js';
import type { Material } from './scenarios.js';

const MIB = 1024 * 1024;
/**
 * Which time the point is passed: the first, and a later one in the middle of everything. Each
 * scenario passes some points once, so these are passed less often in all.
 */
const LATER: Readonly<Record<string, number>> = { adopt: 2, end: 2, delete: 1, remove: 1 };

let directory: Awaited<ReturnType<typeof tempDir>>;
let web: FileServer;
let material: Material;
let template: Template;

beforeAll(async () => {
  directory = await tempDir();
  material = {
    raw: await randomFile(path.join(directory.path, 'raw'), 4 * MIB),
    qcow2: await qcow2File(path.join(directory.path, 'qcow2'), 16 * MIB, 4 * MIB),
    web: '',
  };
  web = await serveFiles(directory.path);
  material = { ...material, web: `${web.url}/` };
  template = await prepareTemplate(path.join(directory.path, 'template'), SCENARIOS, material);
});

afterAll(async () => {
  await web[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

/** Sweeping is something to do only where an earlier crash has left a file without a row. */
const POINTS = CRASH_POINTS.filter((point) => !point.startsWith('sweep:'));

function occurrences(point: string): readonly string[] {
  const later = LATER[point.split(':')[0] ?? ''] ?? 3;
  return [...new Set([1, later])].map((n) => `${point}#${n}`);
}

describe('the invariants hold after SIGKILL', () => {
  it.each(POINTS.flatMap(occurrences))(
    'at %s',
    async (at) => {
      const dataDir = path.join(directory.path, at.replaceAll(/[:#]/g, '-'));
      const crash = { kind: 'point', at } as const;
      const { faults, crashed } = await crashRound(template, dataDir, material, crash);
      expect(faults).toEqual([]);
      expect(crashed, 'the point was reached').toBe(true);
    },
    60_000,
  );
});
