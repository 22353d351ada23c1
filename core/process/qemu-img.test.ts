import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, open, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { describeFailure } from '../base/errors.js';
import type { Inspection } from '../format/inspection.js';
import type { ConvertJob } from '../plugin/contract/services.js';
import { tempDir } from '../../test/support/temp-dir.js';
import { createPrograms } from './programs.js';
import { createQemuImg } from './qemu-img.js';

const MIB = 1024 * 1024;

// Real programs on a machine that others use as well.
vi.setConfig({ testTimeout: 60_000 });
const VIRTUAL_SIZE = 8 * MIB + 512;
const DRIVERS = {
  raw: 'raw',
  qcow2: 'qcow2',
  vdi: 'vdi',
  vmdk: 'vmdk',
  vhd: 'vpc',
  vhdx: 'vhdx',
} as const;
type Format = keyof typeof DRIVERS;
const FORMATS = Object.keys(DRIVERS) as Format[];

const config = { confinement: 'bubblewrap', addressSpace: 1024 * MIB, niceness: 0 } as const;
const programs = createPrograms(config, () => undefined);
const qemuImg = createQemuImg(programs, config);

let dir: Awaited<ReturnType<typeof tempDir>>;
beforeAll(async () => {
  dir = await tempDir();
  const raw = path.join(dir.path, 'source.raw');
  const file = await open(raw, 'w');
  await file.truncate(VIRTUAL_SIZE);
  await file.write(randomBytes(MIB), 0, MIB, 0);
  await file.write(randomBytes(3 * MIB), 0, 3 * MIB, 4 * MIB);
  await file.write(randomBytes(512), 0, 512, 8 * MIB);
  await file.close();
  for (const format of FORMATS) {
    if (format === 'raw') continue;
    const options = format === 'vhd' ? ['-o', 'force_size=on'] : [];
    run('convert', '-f', 'raw', '-O', DRIVERS[format], ...options, raw, sourcePath(format));
  }
});
afterAll(async () => {
  await dir[Symbol.asyncDispose]();
});

function run(...args: string[]): string {
  return execFileSync('qemu-img', args, { encoding: 'utf8' });
}

function sourcePath(format: Format): string {
  return path.join(dir.path, `source.${format}`);
}

function anInspection(format: string, changes: Partial<Inspection> = {}): Inspection {
  return {
    format,
    size: VIRTUAL_SIZE,
    virtualSize: VIRTUAL_SIZE,
    safe: true,
    findings: [],
    metadata: {},
    ...changes,
  };
}

/** Converts to a directory of its own, in which only the target may be written. */
async function aJob(source: Format, format: string, changes: Partial<ConvertJob> = {}) {
  const target = path.join(dir.path, randomBytes(4).toString('hex'), 'target');
  await mkdir(path.dirname(target));
  return {
    source: { path: sourcePath(source), inspection: anInspection(source) },
    format,
    options: {},
    target,
    compress: false,
    signal: new AbortController().signal,
    ...changes,
  };
}

function virtualSizeOf(file: string, format: Format): number {
  const info: unknown = JSON.parse(run('info', '--output=json', '-f', DRIVERS[format], file));
  return (info as { 'virtual-size': number })['virtual-size'];
}

describe('QemuImg.check', () => {
  const check = (file: string, format: string) =>
    qemuImg.check({
      source: { path: file, inspection: anInspection(format) },
      signal: new AbortController().signal,
    });

  it.each(FORMATS)('finds nothing in a sound %s', async (format) => {
    await expect(check(sourcePath(format), format)).resolves.toBeUndefined();
  });

  // Of a new image: header, refcount table, refcount block (16 bits for each cluster), L1 table.
  const CLUSTER = 65_536;
  const refcountOf = (cluster: number): number => 2 * CLUSTER + 2 * cluster;

  async function aQcow2(cluster: number, refcount: number): Promise<string> {
    const file = path.join(dir.path, `${randomBytes(4).toString('hex')}.qcow2`);
    run('create', '-q', '-f', 'qcow2', file, '1M');
    const handle = await open(file, 'r+');
    await handle.write(Buffer.from([0, refcount]), 0, 2, refcountOf(cluster));
    await handle.truncate(5 * CLUSTER);
    await handle.close();
    return file;
  }

  it('refuses a table that is used and counted as free', async () => {
    await expect(check(await aQcow2(3, 0), 'qcow2')).rejects.toMatchObject({
      class: 'rejected',
      code: 'IMAGE_DAMAGED',
      hint: expect.stringContaining('qemu-img check -r all') as string,
    });
  });

  it('does not mind a cluster that is lost to use', async () => {
    await expect(check(await aQcow2(4, 1), 'qcow2')).resolves.toBeUndefined();
  });

  it('refuses what cannot be opened, and leaves alone what no check is for', async () => {
    const file = path.join(dir.path, 'nonsense');
    await writeFile(file, 'x'.repeat(100_000));
    await expect(check(file, 'vhdx')).rejects.toMatchObject({ code: 'IMAGE_DAMAGED' });
    await expect(check(file, 'raw')).resolves.toBeUndefined();
  });
});

describe('QemuImg.convert', () => {
  const pairs = FORMATS.flatMap((source) => FORMATS.map((target) => ({ source, target })));

  it.each(pairs)('makes $target of $source with the same content', async ({ source, target }) => {
    const job = await aJob(source, target);
    await qemuImg.convert(job);
    run('compare', '-f', 'raw', '-F', DRIVERS[target], sourcePath('raw'), job.target);
    expect(virtualSizeOf(job.target, target)).toBe(VIRTUAL_SIZE);
  });

  it.each(FORMATS)('makes a %s larger than its source, with zeros behind', async (target) => {
    const virtualSize = 16 * MIB;
    const job = await aJob('qcow2', target, { virtualSize });
    await qemuImg.convert(job);
    run('compare', '-f', 'raw', '-F', DRIVERS[target], sourcePath('raw'), job.target);
    expect(virtualSizeOf(job.target, target)).toBe(virtualSize);
  });

  it('keeps the holes of a raw target', async () => {
    const job = await aJob('qcow2', 'raw');
    await qemuImg.convert(job);
    expect((await stat(job.target)).blocks * 512).toBeLessThan(5 * MIB);
  });

  it('compresses where the format can', async () => {
    const zeros = path.join(dir.path, 'text.raw');
    await writeFile(zeros, 'compressible '.repeat(400_000));
    const source = { path: zeros, inspection: anInspection('raw', { size: 5_200_000 }) };
    const packed = await aJob('raw', 'qcow2', { source, compress: true });
    const stream = await aJob('raw', 'vmdk', {
      source,
      compress: true,
      options: { subformat: 'streamOptimized' },
    });
    const plain = await aJob('raw', 'vdi', { source, compress: true });
    for (const job of [packed, stream, plain]) await qemuImg.convert(job);
    expect((await stat(packed.target)).size).toBeLessThan(MIB);
    expect((await stat(stream.target)).size).toBeLessThan(MIB);
    expect((await stat(plain.target)).size).toBeGreaterThan(5 * MIB);
  });

  it('passes options to the format', async () => {
    const job = await aJob('raw', 'qcow2', { options: { cluster_size: '4096' } });
    await qemuImg.convert(job);
    expect(run('info', '--output=json', job.target)).toContain('"cluster-size": 4096');
  });

  it('reports progress up to 100', async () => {
    const percents: number[] = [];
    await qemuImg.convert(
      await aJob('qcow2', 'raw', { onProgress: (percent) => percents.push(percent) }),
    );
    expect(percents.at(-1)).toBe(100);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
  });

  it('takes no part of a file name for a protocol or an option', async () => {
    for (const name of ['nbd:localhost:1', 'a,b=c:d.raw', 'json:{"driver":"null-co"}', '-h']) {
      const odd = path.join(dir.path, name);
      await writeFile(odd, 'x'.repeat(4096));
      const job = await aJob('raw', 'raw', {
        source: { path: odd, inspection: anInspection('raw', { size: 4096, virtualSize: 4096 }) },
      });
      await qemuImg.convert({ ...job, target: path.join(path.dirname(job.target), name) });
      run(
        'compare',
        '-f',
        'raw',
        '-F',
        'raw',
        `file:${odd}`,
        `file:${path.dirname(job.target)}/${name}`,
      );
    }
  });

  it('does not open a backing file, whatever the image says', async () => {
    const overlay = path.join(dir.path, 'overlay.qcow2');
    run('create', '-q', '-f', 'qcow2', '-b', sourcePath('raw'), '-F', 'raw', overlay);
    const job = await aJob('qcow2', 'raw', {
      source: { path: overlay, inspection: anInspection('qcow2') },
    });
    const limitsOnly = { ...config, confinement: 'limits' } as const;
    await createQemuImg(
      createPrograms(limitsOnly, () => undefined),
      config,
    ).convert(job);
    expect(readFileSync(job.target).every((byte) => byte === 0)).toBe(true);
  });

  it('refuses an image that is not safe', async () => {
    const finding = {
      rule: 'backing-file',
      severity: 'unsafe',
      offset: 8,
      message: 'The image names the backing file "/etc/passwd"',
      hint: 'Rebase the image',
    } as const;
    const source = {
      path: sourcePath('qcow2'),
      inspection: anInspection('qcow2', { safe: false, findings: [finding] }),
    };
    await expect(qemuImg.convert(await aJob('qcow2', 'raw', { source }))).rejects.toMatchObject({
      class: 'rejected',
      code: 'UNSAFE_IMAGE',
      message: 'The image breaks safety rules: The image names the backing file "/etc/passwd"',
      details: { rules: ['backing-file'] },
    });
    await expect(qemuImg.measure(await aJob('qcow2', 'raw', { source }))).rejects.toMatchObject({
      code: 'UNSAFE_IMAGE',
    });
  });

  it.each(['backing_file', 'data_file', 'encrypt.format', 'a,backing_file'])(
    'refuses the option %s',
    async (name) => {
      const job = await aJob('raw', 'qcow2', { options: { [name]: 'x' } });
      await expect(qemuImg.convert(job)).rejects.toMatchObject({ code: 'OPTION_REFUSED' });
    },
  );

  it('refuses formats that it cannot convert', async () => {
    const job = await aJob('raw', 'ploop');
    await expect(qemuImg.convert(job)).rejects.toMatchObject({ code: 'FORMAT_UNSUPPORTED' });
  });

  it('ends with an error when the bytes are not of the pinned format', async () => {
    const source = { path: sourcePath('raw'), inspection: anInspection('qcow2') };
    const job = await aJob('raw', 'raw', { source });
    const error: unknown = await qemuImg.convert(job).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'PROGRAM_FAILED' });
    // Clients read it, and where files lie on the server is none of their business.
    const told = JSON.stringify({ ...describeFailure(error) });
    expect(told).toContain(path.basename(source.path));
    expect(told).not.toContain(path.dirname(source.path));
  });

  it('cannot write more than the image allows', async () => {
    const source = {
      path: path.join(dir.path, 'liar.qcow2'),
      inspection: anInspection('qcow2', { virtualSize: 4096 }),
    };
    run('create', '-q', '-f', 'qcow2', source.path, '1G');
    await expect(qemuImg.convert(await aJob('qcow2', 'raw', { source }))).rejects.toMatchObject({
      code: 'PROGRAM_LIMIT',
      details: { limit: 'fileSize' },
    });
  });

  it('leaves no process behind when it is cancelled', async () => {
    const big = path.join(dir.path, 'big.raw');
    const file = await open(big, 'w');
    const block = randomBytes(4 * MIB);
    for (let index = 0; index < 64; index += 1) await file.write(block);
    await file.close();
    const controller = new AbortController();
    const reason = new Error('enough');
    const size = 256 * MIB;
    const job = await aJob('raw', 'qcow2', {
      source: { path: big, inspection: anInspection('raw', { size, virtualSize: size }) },
      compress: true,
      signal: controller.signal,
      onProgress: (percent) => {
        if (percent > 0) controller.abort(reason);
      },
    });
    await expect(qemuImg.convert(job)).rejects.toBe(reason);
    await expect
      .poll(() =>
        readdirSync('/proc').filter((entry) => {
          try {
            return readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes(job.target);
          } catch {
            return false;
          }
        }),
      )
      .toEqual([]);
  });
});

describe('QemuImg.measure', () => {
  it.each(FORMATS)('answers with no less than a %s needs', async (format) => {
    for (const source of FORMATS) {
      const job = await aJob(source, format);
      const { required, fullyAllocated } = await qemuImg.measure(job);
      await qemuImg.convert(job);
      const { size, blocks } = await stat(job.target);
      expect(fullyAllocated).toBeGreaterThanOrEqual(size);
      expect(required).toBeGreaterThanOrEqual(Math.min(size, blocks * 512));
    }
  });
});
