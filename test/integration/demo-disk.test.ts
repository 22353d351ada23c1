import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDisk, writeRawDisk } from '../../core/cli/demo/disk.js';

const MIB = 2 ** 20;
const ENV = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'stowage-disk-'));
});

afterEach(() => {
  rmSync(dir, { recursive: true });
});

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', env: ENV });
}

describe('the disk of the demo', () => {
  it('has a partition table and a file system that other programs find sound', async () => {
    const disk = path.join(dir, 'disk.raw');
    await writeRawDisk(disk);
    expect(run('sgdisk', '-v', disk)).toContain('No problems found');
    expect(run('sfdisk', '--dump', disk)).toMatch(/start= +2048, size= +1044480/);

    const partition = path.join(dir, 'partition');
    const head = Buffer.alloc(400 * MIB);
    const file = openSync(disk, 'r');
    readSync(file, head, 0, head.length, MIB);
    closeSync(file);
    writeFileSync(partition, head);
    expect(run('mtype', '-i', partition, '::README.TXT')).toContain('made by the demo');
    run('truncate', '-s', String(1_044_480 * 512), partition);
    expect(run('fsck.fat', '-n', partition)).toMatch(/3 files/);
  });

  it('is a sound qcow2 in the end, and leaves nothing beside it', async () => {
    const disk = path.join(dir, 'disk.qcow2');
    await makeDisk(disk);
    const info = JSON.parse(run('qemu-img', 'info', '--output=json', disk)) as object;
    expect(info).toMatchObject({ format: 'qcow2', 'virtual-size': 2 ** 29 });
    expect(run('qemu-img', 'check', disk)).toContain('No errors');
    expect(run('ls', dir)).toBe('disk.qcow2\n');
  });
});
