import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { inspectFile } from '../../core/format/inspector.js';
import { gptDisk } from '../support/images/disk.js';

const MIB = 1024 * 1024;
const hasQemu = probe();
const folder = mkdtempSync(join(tmpdir(), 'stowage-qemu-'));
const source = join(folder, 'source.raw');

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function probe(): boolean {
  try {
    execFileSync('qemu-img', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

type Info = {
  readonly 'virtual-size': number;
  readonly 'format-specific'?: { readonly data: Readonly<Record<string, unknown>> };
};

function qemuImg(...args: readonly string[]): string {
  return execFileSync('qemu-img', args, { encoding: 'utf8', cwd: folder });
}

/**
 * qemu-img times its own key derivation, and gives up where the machine is too busy to time it:
 * "Unable to get accurate CPU usage".
 */
function createEncrypted(...args: readonly string[]): void {
  for (let tries = 0; ; tries += 1) {
    try {
      qemuImg('create', ...args);
      return;
    } catch (error) {
      if (tries === 20 || !String(error).includes('accurate CPU usage')) throw error;
    }
  }
}

function info(format: string, file: string): Info {
  return JSON.parse(qemuImg('info', '--output=json', '-f', format, file)) as Info;
}

type Case = readonly [format: string, options: string, size: string];

const OUR_NAMES: Readonly<Record<string, string>> = { vpc: 'vhd' };

const SAFE: readonly Case[] = [
  ...['512', '513K', '1G', '3T'].map((size): Case => ['qcow2', 'compat=1.1', size]),
  ['qcow2', 'compat=0.10', '100M'],
  ['qcow2', 'cluster_size=512', '100M'],
  ['qcow2', 'cluster_size=2M', '100M'],
  ['qcow2', 'lazy_refcounts=on', '100M'],
  ['qcow2', 'refcount_bits=1', '100M'],
  ['qcow2', 'refcount_bits=64', '100M'],
  ['qcow2', 'extended_l2=on', '100M'],
  ['qcow2', 'compression_type=zstd', '100M'],
  ['qcow2', 'preallocation=metadata', '10M'],
  ['qcow2', 'preallocation=falloc', '10M'],
  ['qcow2', 'preallocation=full', '3M'],
  ['vmdk', 'subformat=monolithicSparse', '100M'],
  ['vmdk', 'subformat=monolithicSparse', '513K'],
  ['vmdk', 'subformat=monolithicSparse,adapter_type=lsilogic,hwversion=14', '1T'],
  ['vmdk', 'subformat=monolithicSparse,zeroed_grain=on', '100M'],
  ['vmdk', 'subformat=monolithicSparse,compat6=on', '100M'],
  ['vpc', 'subformat=dynamic', '100M'],
  ['vpc', 'subformat=dynamic', '100G'],
  ['vpc', 'subformat=dynamic,force_size=on', '100M'],
  ['vpc', 'subformat=fixed', '10M'],
  ['vpc', 'subformat=fixed,force_size=on', '10M'],
  ['vhdx', 'subformat=dynamic', '100M'],
  ['vhdx', 'subformat=dynamic,block_size=1M,log_size=2M', '1T'],
  ['vhdx', 'subformat=fixed', '10M'],
  ['vdi', 'preallocation=off', '100M'],
  ['vdi', 'preallocation=off', '513K'],
  ['vdi', 'static=on', '10M'],
  ['qed', 'cluster_size=64K', '100M'],
  ['qcow', 'encryption=off', '100M'],
  ['raw', 'preallocation=off', '10M'],
];

const CONVERTED: readonly (readonly [format: string, ...args: string[]])[] = [
  ['qcow2'],
  ['qcow2', '-c'],
  ['qcow2', '-c', '-o', 'compression_type=zstd'],
  ['qcow2', '-o', 'cluster_size=512'],
  ['qcow2', '-o', 'preallocation=full'],
  ['vmdk', '-o', 'subformat=monolithicSparse'],
  ['vmdk', '-o', 'subformat=streamOptimized'],
  ['vpc', '-o', 'subformat=dynamic'],
  ['vpc', '-o', 'subformat=fixed'],
  ['vpc', '-o', 'subformat=fixed,force_size=on'],
  ['vhdx', '-o', 'subformat=dynamic'],
  ['vhdx', '-o', 'subformat=fixed'],
  ['vdi'],
  ['vdi', '-o', 'static=on'],
  ['qed'],
  ['qcow'],
  ['raw'],
];

describe.skipIf(hasQemu || process.env['CI'] !== 'true')('qemu-img', () => {
  it('is installed in CI', () => {
    expect.fail('There is no qemu-img');
  });
});

describe.skipIf(!hasQemu)('inspectFile says what qemu-img says', () => {
  async function compare(format: string, file: string): Promise<void> {
    const told = info(format, file);
    const result = await inspectFile(file);
    expect(result).toMatchObject({
      format: OUR_NAMES[format] ?? format,
      virtualSize: told['virtual-size'],
      safe: true,
    });
    const specific = told['format-specific']?.data ?? {};
    if (format === 'qcow2') {
      expect(result.metadata).toMatchObject({
        compat: specific['compat'],
        refcount_bits: specific['refcount-bits'],
        compression_type: specific['compression-type'],
        lazy_refcounts: specific['lazy-refcounts'] ?? false,
        extended_l2: specific['extended-l2'] ?? false,
      });
    }
    if (format === 'vmdk') {
      expect(result.metadata['create_type']).toBe(specific['create-type']);
      expect(result.metadata['cid']).toBe(Number(specific['cid']).toString(16));
    }
  }

  it.each(SAFE)('of a new %s with %s of %s', async (format, options, size) => {
    const file = join(folder, `new.${format}`);
    qemuImg('create', '-q', '-f', format, '-o', options, file, size);
    await compare(format, file);
  });

  it.each(CONVERTED)('of a disk converted to %s %s %s %s', async (format, ...args) => {
    const disk = Buffer.concat([gptDisk(), Buffer.alloc(MIB, 'data')]);
    writeFileSync(source, disk);
    const file = join(folder, `converted.${format}`);
    qemuImg('convert', '-f', 'raw', '-O', format, ...args, source, file);
    await compare(format, file);
  });

  it('of an image with snapshots', async () => {
    const file = join(folder, 'snapshots.qcow2');
    qemuImg('create', '-q', '-f', 'qcow2', file, '10M');
    for (const name of ['one', 'two']) qemuImg('snapshot', '-c', name, file);
    await compare('qcow2', file);
    expect((await inspectFile(file)).metadata['snapshot_count']).toBe(2);
  });

  it.each([
    ['qcow2', 'encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10'],
    ['luks', 'key-secret=key,iter-time=10'],
  ])('of an encrypted %s', async (format, options) => {
    const file = join(folder, `encrypted.${format}`);
    const secret = 'secret,id=key,data=stowage';
    createEncrypted('-q', '-f', format, '--object', secret, '-o', options, file, '10M');
    await compare(format, file);
    expect((await inspectFile(file)).findings).toMatchObject([{ rule: 'encrypted' }]);
  });
});

describe.skipIf(!hasQemu)('inspectFile refuses what refers to other files', () => {
  it.each([
    ['qcow2', 'backing_file=source.raw,backing_fmt=raw', 'backing-file'],
    ['qcow2', 'data_file=payload.raw', 'data-file'],
    ['qcow2', 'data_file=payload.raw,data_file_raw=on', 'data-file'],
    ['qcow', 'backing_file=source.raw,backing_fmt=raw', 'backing-file'],
    ['qed', 'backing_file=source.raw,backing_fmt=raw', 'backing-file'],
    ['vmdk', 'backing_file=base.vmdk,backing_fmt=vmdk', 'parent-image'],
    ['vmdk', 'subformat=monolithicFlat', 'external-extents'],
    ['vmdk', 'subformat=twoGbMaxExtentSparse', 'external-extents'],
    ['vmdk', 'subformat=twoGbMaxExtentFlat', 'external-extents'],
    ['parallels', 'cluster_size=1M', 'foreign-format'],
  ])('%s with %s', async (format, options, rule) => {
    writeFileSync(source, new Uint8Array(MIB));
    qemuImg('create', '-q', '-f', 'vmdk', 'base.vmdk', '1M');
    const file = join(folder, `refers.${format}`);
    qemuImg('create', '-q', '-f', format, '-o', options, file, '1M');
    const { safe, findings } = await inspectFile(file);
    expect(safe).toBe(false);
    expect(findings.map((found) => found.rule)).toContain(rule);
  });
});
