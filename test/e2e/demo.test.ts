import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.js';
import { ROOT, start } from '../support/command.js';
import { tempDir } from '../support/temp-dir.js';

let dir: Awaited<ReturnType<typeof tempDir>>;

beforeAll(async () => {
  dir = await tempDir();
});

afterAll(async () => {
  await dir[Symbol.asyncDispose]();
});

const DEMO = path.join(ROOT, 'dist/core/cli/demo/main.js');

describe('npm run demo', () => {
  it('makes a disk, converts it to raw, shows the image and ends with 0 when it is --once', async () => {
    const args = [
      'run',
      '--silent',
      'demo',
      '--',
      '--once',
      '--data-dir',
      path.join(dir.path, 'once'),
    ];
    const { code, out } = await start('npm', args).finished;
    expect(code).toBe(0);
    for (const task of [
      'upload',
      'stage',
      'introspect',
      'virtual-size',
      'convert',
      'store → default',
    ]) {
      expect(out).toContain(`✔ ${task}`);
    }
    expect(out).toMatch(/status +active\n +disk_format +raw\n/);
    expect(out).toMatch(/\n +size +536870912 \(512 MiB\)\n +virtual_size +536870912/);
    expect(out).toMatch(
      /os_hash_algo +sha512\n +os_hash_value +[0-9a-f]{128}\n +checksum +[0-9a-f]{32}/,
    );
    expect(out).toMatch(/partition_table +gpt/);
  });

  it('takes a file, goes on serving, and stops with 0', async () => {
    const disk = path.join(dir.path, 'mine.vmdk');
    execFileSync('qemu-img', ['create', '-q', '-f', 'vmdk', disk, '16M']);
    const demo = start(process.execPath, [DEMO, disk, '--data-dir', path.join(dir.path, 'mine')]);
    await demo.said(/Ctrl-C stops it/);
    expect(demo.out()).toMatch(/name +mine\.vmdk\n +status +active\n +disk_format +raw/);
    const url = await demo.said(/http:\/\/127\.0\.0\.1:\d+/);
    const { body } = await new ApiClient(url).call('GET', '/v2/images');
    expect(body).toMatchObject({ images: [{ name: 'mine.vmdk', status: 'active' }] });
    demo.process.kill('SIGINT');
    expect((await demo.finished).code).toBe(0);
    execFileSync('qemu-img', ['info', disk]); // the user's own file is still there
  });

  it('says in one line how to get qemu-img where it is missing', async () => {
    const { code, err } = await start(process.execPath, [DEMO, '--once'], {
      env: { PATH: '/nonexistent' },
      cwd: dir.path,
    }).finished;
    expect(err).toMatch(/qemu-img is not installed\n.*apt-get install .*qemu-utils\n$/);
    expect(code).toBe(1);
  });
});
