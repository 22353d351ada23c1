import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { ProgramsConfig } from '../config/config.js';
import type { FilterCommand, ProgramCommand } from '../plugin/contract/services.js';
import { tempDir } from '../../test/support/temp-dir.js';
import { createPrograms } from './programs.js';

const MIB = 1024 * 1024;

// Real programs on a machine that others use as well.
vi.setConfig({ testTimeout: 60_000 });

function programs(confinement: ProgramsConfig['confinement'] = 'limits') {
  return createPrograms({ confinement, addressSpace: 512 * MIB, niceness: 10 }, () => undefined);
}

function aCommand(program: string, ...args: string[]): ProgramCommand {
  return {
    program,
    args,
    signal: new AbortController().signal,
    readable: [],
    writable: [],
    limits: { wallMs: 30_000, addressSpace: 512 * MIB },
  };
}

/** A shell script, since every test wants a program that does something particular. */
function aScript(script: string, changes: Partial<ProgramCommand> = {}): ProgramCommand {
  return { ...aCommand('sh', '-c', script), ...changes };
}

/** A service that says one line to whoever comes. */
async function greeting(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = net.createServer((socket) => socket.end('hello\n')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as net.AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

/** Ids of processes that have `mark` on their command line. */
function processesWith(mark: string): readonly string[] {
  return readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry) || entry === `${process.pid}`) return false;
    try {
      return readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0').includes(mark);
    } catch {
      return false;
    }
  });
}

async function untilGone(mark: string): Promise<void> {
  await expect.poll(() => processesWith(mark), { timeout: 5000 }).toEqual([]);
}

describe.each(['limits', 'bubblewrap'] as const)('Programs with %s', (confinement) => {
  it('answers with what the program has printed', async () => {
    const result = await programs(confinement).run(aScript('echo out; echo err >&2'));
    expect(result).toEqual({ stdout: 'out\n', stderr: 'err\n' });
  });

  it('gives the program nothing of the environment of the server', async () => {
    const { stdout } = await programs(confinement).run(aCommand('env'));
    const names = stdout.split('\n').map((line) => line.split('=')[0]);
    expect(names.filter((name) => name !== '' && name !== 'PWD').sort()).toEqual([
      'LC_ALL',
      'MALLOC_ARENA_MAX',
      'MALLOC_MMAP_THRESHOLD_',
      'MALLOC_TRIM_THRESHOLD_',
      'PATH',
    ]);
  });

  it('gives the program what it is to read, and nothing where there is none', async () => {
    const input = Readable.from([Buffer.from('one '), Buffer.from('two')]);
    const told = await programs(confinement).run(aScript('cat', { input }));
    expect(told.stdout).toBe('one two');
    expect((await programs(confinement).run(aScript('cat'))).stdout).toBe('');
  });

  it('lets a program reach services where it may, with more files open', async () => {
    await using listener = await greeting();
    const { stdout } = await programs(confinement).run(
      aScript(`exec 3<>/dev/tcp/localhost/${listener.port}; cat <&3; ulimit -n`, {
        program: 'bash',
        network: true,
      }),
    );
    const [greeted, files] = stdout.split('\n');
    expect(greeted).toBe('hello');
    const { stdout: others } = await programs(confinement).run(aScript('ulimit -n'));
    expect(Number(others)).toBeLessThan(files === 'unlimited' ? Infinity : Number(files));
  });

  it('passes on lines that end in a line feed or a carriage return', async () => {
    const lines: string[] = [];
    await programs(confinement).run(
      aScript("printf 'a\\rb\\nc'", { onOutput: (line) => lines.push(line) }),
    );
    expect(lines).toEqual(['a', 'b', 'c']);
  });

  it('names the exit code and the end of stderr', async () => {
    const run = programs(confinement).run(aScript('echo first >&2; echo last >&2; exit 3'));
    await expect(run).rejects.toMatchObject({
      class: 'permanent',
      code: 'PROGRAM_FAILED',
      message: 'The program "sh" ended with exit code 3: last',
      details: { exitCode: 3, stderr: 'first\nlast' },
    });
  });

  it('names the signal that ended the program', async () => {
    const run = programs(confinement).run(aScript('kill -SEGV $$'));
    await expect(run).rejects.toMatchObject({
      code: 'PROGRAM_FAILED',
      details: { signal: 'SIGSEGV' },
    });
  });

  it('keeps 64 KiB of a flood', async () => {
    const before = process.memoryUsage.rss();
    const { stdout, stderr } = await programs(confinement).run(
      aScript('head -c 300000000 /dev/zero; head -c 300000000 /dev/zero >&2; echo end >&2'),
    );
    expect(stdout.length).toBe(64 * 1024);
    expect(stderr.length).toBe(64 * 1024);
    expect(stderr.endsWith('end\n')).toBe(true);
    expect(process.memoryUsage.rss() - before).toBeLessThan(150 * MIB);
  });

  it('ends a program that hangs, with all of its children', async () => {
    const mark = `31${process.pid}.1${confinement.length}`;
    const run = programs(confinement).run(
      aScript(`trap '' TERM; sleep ${mark} & sleep ${mark}`, {
        limits: { wallMs: 300, addressSpace: 512 * MIB },
      }),
    );
    await expect(run).rejects.toMatchObject({
      class: 'permanent',
      code: 'PROGRAM_LIMIT',
      details: { limit: 'wallMs' },
    });
    await untilGone(mark);
  });

  it('ends the whole group when the signal is aborted', async () => {
    const mark = `32${process.pid}.1${confinement.length}`;
    const controller = new AbortController();
    const reason = new Error('enough');
    const run = programs(confinement).run(
      aScript(`echo started; sleep ${mark} & sleep ${mark}`, {
        signal: controller.signal,
        onOutput: () => {
          controller.abort(reason);
        },
      }),
    );
    await expect(run).rejects.toBe(reason);
    await untilGone(mark);
  });

  it('does not leave behind what a program has started in the background', async () => {
    const mark = `33${process.pid}.1${confinement.length}`;
    await programs(confinement).run(aScript(`sleep ${mark} & exit 0`));
    await untilGone(mark);
  });

  it('ends a program that writes beyond its limit', async () => {
    await using dir = await tempDir();
    const run = programs(confinement).run(
      aScript(`head -c ${2 * MIB} /dev/zero > ${dir.path}/big`, {
        writable: [dir.path],
        limits: { wallMs: 10_000, addressSpace: 512 * MIB, fileSize: MIB },
      }),
    );
    await expect(run).rejects.toMatchObject({
      code: 'PROGRAM_LIMIT',
      details: { limit: 'fileSize' },
    });
    expect((await readFile(path.join(dir.path, 'big'))).length).toBe(MIB);
  });

  it('ends a program that uses too much processor time', async () => {
    const run = programs(confinement).run(
      aScript('while :; do :; done', {
        limits: { wallMs: 20_000, addressSpace: 512 * MIB, cpuSeconds: 1 },
      }),
    );
    await expect(run).rejects.toMatchObject({
      code: 'PROGRAM_LIMIT',
      details: { limit: 'cpuSeconds' },
    });
  });

  it('ends a program that wants more memory than it may have', async () => {
    const run = programs(confinement).run({
      ...aCommand('sort', '-S', '400M', '/dev/zero'),
      limits: { wallMs: 20_000, addressSpace: 64 * MIB },
    });
    await expect(run).rejects.toMatchObject({
      code: 'PROGRAM_LIMIT',
      details: { limit: 'addressSpace' },
    });
  });

  describe('filter', () => {
    const filter = (input: Readable, script: string, changes: Partial<FilterCommand> = {}) =>
      programs(confinement).filter({
        program: 'sh',
        args: ['-c', script],
        input,
        signal: new AbortController().signal,
        limits: { wallMs: 20_000, addressSpace: 512 * MIB },
        ...changes,
      });

    it('passes every byte on, however slowly it is read', async () => {
      const data = randomBytes(3 * MIB);
      const digest = createHash('sha256');
      for await (const chunk of filter(
        Readable.from([data.subarray(0, MIB), data.subarray(MIB)]),
        'cat',
      )) {
        digest.update(chunk as Buffer);
        await nextTurn();
      }
      expect(digest.digest('hex')).toBe(createHash('sha256').update(data).digest('hex'));
    });

    it('breaks with what the program has ended with', async () => {
      const read = text(filter(Readable.from(['']), 'echo so far; echo broken >&2; exit 3'));
      await expect(read).rejects.toMatchObject({
        code: 'PROGRAM_FAILED',
        details: { exitCode: 3, stderr: 'broken' },
      });
    });

    it('does not mind a program that has read enough', async () => {
      const endless = new Readable({
        read() {
          this.push(Buffer.alloc(65536));
        },
      });
      expect((await buffer(filter(endless, 'head -c 1000'))).length).toBe(1000);
      expect(endless.destroyed).toBe(true);
    });

    it('breaks with what its input breaks with', async () => {
      const error = new Error('the disk is gone');
      const broken = new Readable({
        read() {
          this.destroy(error);
        },
      });
      await expect(buffer(filter(broken, 'cat'))).rejects.toBe(error);
    });

    it('ends the program when nobody reads any more, and when it is told to', async () => {
      const mark = `35${process.pid}.1${confinement.length}`;
      const script = `echo started; sleep ${mark}`;
      const unread = filter(Readable.from([]), script);
      await once(unread, 'data');
      unread.destroy();
      await untilGone(mark);
      const controller = new AbortController();
      const told = filter(Readable.from([]), script, { signal: controller.signal });
      await once(told, 'data');
      const reason = new Error('enough');
      controller.abort(reason);
      await expect(once(told, 'end')).rejects.toBe(reason);
      await untilGone(mark);
    });

    it('ends a program whose reader takes too long', async () => {
      const limits = { wallMs: 300, addressSpace: 512 * MIB };
      const stalled = filter(Readable.from([]), 'cat /dev/zero', { limits });
      await expect(once(stalled, 'end')).rejects.toMatchObject({ code: 'PROGRAM_LIMIT' });
    });

    it('lets the program write no file', async () => {
      await using dir = await tempDir();
      const read = text(filter(Readable.from([]), `echo x > ${dir.path}/file`));
      await expect(read).rejects.toMatchObject({ class: 'permanent' });
    });
  });

  it('rejects with what onOutput has thrown', async () => {
    const error = new Error('bad line');
    const run = programs(confinement).run(
      aScript('echo line; sleep 30', {
        onOutput: () => {
          throw error;
        },
      }),
    );
    await expect(run).rejects.toBe(error);
  });

  it('says how to install what is missing', async () => {
    await expect(programs(confinement).run(aCommand('no-such-program'))).rejects.toMatchObject({
      class: 'unsupported',
      code: 'PROGRAM_MISSING',
      hint: 'Install it, on Debian and Ubuntu with: apt-get install no-such-program',
    });
  });

  it('does not start when the signal is aborted already', async () => {
    const reason = new Error('enough');
    const run = programs(confinement).run(aScript('true', { signal: AbortSignal.abort(reason) }));
    await expect(run).rejects.toBe(reason);
  });
});

describe('Programs with bubblewrap', () => {
  it('shows the program the readable files and no other', async () => {
    await using dir = await tempDir();
    const shown = path.join(dir.path, 'shown');
    const hidden = path.join(dir.path, 'hidden');
    await Promise.all([writeFile(shown, 'shown'), writeFile(hidden, 'hidden')]);
    const confined = programs('bubblewrap');
    const { stdout } = await confined.run({ ...aCommand('cat', shown), readable: [shown] });
    expect(stdout).toBe('shown');
    for (const file of [hidden, '/etc/passwd', '/proc/1/environ', import.meta.filename]) {
      const run = confined.run({ ...aCommand('cat', file), readable: [shown] });
      if (file === '/proc/1/environ') {
        expect((await run).stdout).not.toContain('HOME');
      } else {
        await expect(run).rejects.toMatchObject({
          details: { stderr: expect.stringContaining('No such file') as string },
        });
      }
    }
  });

  it('lets the program write in writable directories only', async () => {
    await using dir = await tempDir();
    const [input, output] = [path.join(dir.path, 'in'), path.join(dir.path, 'in/out')];
    await mkdir(output, { recursive: true });
    const { stdout } = await programs('bubblewrap').run(
      aScript(
        `echo x > ${output}/file && echo written
         for place in ${input} / /usr /dev /etc; do (echo x > $place/file) && echo $place; done; true`,
        { readable: [input], writable: [output] },
      ),
    );
    expect(stdout).toBe('written\n');
    expect(await readFile(path.join(output, 'file'), 'utf8')).toBe('x\n');
  });

  it('keeps the program off the network, loopback included', async () => {
    const server = net.createServer((socket) => socket.end('reached')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const script = `exec 3<>/dev/tcp/127.0.0.1/${port} && cat <&3`;
    try {
      const open = await programs('limits').run(aCommand('bash', '-c', script));
      expect(open.stdout).toBe('reached');
      const run = programs('bubblewrap').run(aCommand('bash', '-c', script));
      await expect(run).rejects.toMatchObject({
        details: { stderr: expect.stringMatching(/refused|unreachable/) as string },
      });
    } finally {
      server.close();
    }
  });
});

describe('Programs', () => {
  it('ends its programs when the server is killed', async () => {
    const mark = `34${process.pid}.1`;
    const server = spawn(
      process.execPath,
      ['--import', 'tsx', path.join(import.meta.dirname, '../../test/support/run-sleep.ts'), mark],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(server.stdout, 'data');
    expect(processesWith(mark).length).toBeGreaterThan(0);
    server.kill('SIGKILL');
    await untilGone(mark);
  });
});
