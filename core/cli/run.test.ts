import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from './run.js';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'stowage-cli-'));
});

afterEach(() => {
  rmSync(dir, { recursive: true });
});

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = {
    out: (line: string) => out.push(line),
    err: (line: string) => err.push(line),
    screen: undefined,
  };
  const code = await runCommand(args, terminal, new AbortController().signal);
  return { code, out: out.join('\n'), err: err.join('\n') };
}

describe('stowage', () => {
  it('helps, with its exit codes, and ends with 0', async () => {
    const { code, out } = await run('--help');
    expect(code).toBe(0);
    expect(out).toMatch(/serve.*import.*inspect.*imports.*config.*plugins/s);
    expect(out).toMatch(/Exit codes:.*130/s);
    expect((await run('--version')).out).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it.each([
    [['impor', 'x'], /Did you mean import/],
    [['import'], /missing required argument/],
    [['import', '/nonexistent.img'], /There is no file "\/nonexistent\.img"/],
    [['import', '/'], /"\/" is not a file/],
    [['import', import.meta.filename, '--property', 'x'], /has no key/],
    [['import', 'x', '--disk-format', 'qcow'], /Allowed choices are/],
    [['imports', 'list', '--limit', 'x'], /is not a whole number/],
    [['imports', 'list', '--url', 'http://127.0.0.1:1', '--header', 'x'], /is no HTTP header/],
    [['serve', '--port', '70000'], /is not a port/],
    [['serve', '--config', '/nonexistent.yaml'], /there is no such file/],
  ])('ends with 2 and says what is wrong: %j', async (args, message) => {
    const { code, err } = await run(...args);
    expect(err).toMatch(message);
    expect(code).toBe(2);
  });

  it('ends with 5 where no server is', async () => {
    const { code, err } = await run('imports', 'list', '--data-dir', dir);
    expect([code, err]).toEqual([
      5,
      expect.stringContaining(`No server runs on the data dir "${dir}"`),
    ]);
    const gone = await run('imports', 'list', '--url', 'http://127.0.0.1:1');
    expect([gone.code, gone.err]).toEqual([5, expect.stringContaining('ECONNREFUSED')]);
  });

  it('ends with 3 on an unsafe image', async () => {
    const file = path.join(dir, 'backed.qcow2');
    const header = Buffer.alloc(65_536);
    header.writeUInt32BE(0x514649fb, 0);
    header.writeUInt32BE(2, 4);
    header.writeBigUInt64BE(104n, 8);
    header.writeUInt32BE(4, 16);
    header.writeUInt32BE(16, 20);
    header.write('/etc', 104, 'latin1');
    writeFileSync(file, header);
    const { code, out } = await run('inspect', '--json', file);
    expect(JSON.parse(out)).toMatchObject({ file, format: 'qcow2', safe: false });
    expect(code).toBe(3);
  });

  it('checks and shows the configuration', async () => {
    const file = path.join(dir, 'stowage.yaml');
    writeFileSync(file, 'data_dir: d\nlog: { level: warn }\n');
    expect(await run('config', 'check', '--config', file)).toEqual({
      code: 0,
      out: `OK: ${file}, data dir ${path.join(dir, 'd')}`,
      err: '',
    });
    expect((await run('config', 'show', '--config', file)).out).toContain('level: warn');
    expect(JSON.parse((await run('config', 'schema')).out)).toMatchObject({ type: 'object' });
    writeFileSync(file, 'log: { levle: warn }\n');
    const wrong = await run('config', 'check', '--config', file);
    expect(wrong.code).toBe(2);
    expect(wrong.err).toContain(`${file}:1:8 log.levle: unknown key "levle"`);
  });

  it('finds what is wrong with the plugins when it checks the configuration', async () => {
    const file = path.join(dir, 'pipeline.yaml');
    writeFileSync(file, 'imports: { pipeline: [store, "@acme/absent", stage] }\n');
    const { code, err } = await run('config', 'check', '--config', file);
    expect(code).toBe(2);
    expect(err).toContain('"@acme/absent": the package is not installed');
    expect(err).toContain('"store": it must be the last task');
    expect(err).toContain('"stage": it must be the first task');
  });
});
