import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

/** Runs a program to its end; answers its wall seconds. */
export async function seconds(program: string, args: readonly string[]): Promise<number> {
  const began = performance.now();
  await run(program, args);
  return (performance.now() - began) / 1000;
}

/** Runs a line of bash; answers the seconds of it and all its children. */
export async function cost(script: string, args: readonly string[]): Promise<Cost> {
  const timed = `TIMEFORMAT='%R %U %S'; time { ${script}
}`;
  const { err } = await run('bash', ['-c', timed, 'bash', ...args]);
  const last = err.trim().split('\n').at(-1) ?? '';
  const [wall = NaN, user = NaN, system = NaN] = last.split(' ').map(Number);
  if (Number.isNaN(wall + user + system)) throw new Error(`Cannot read the time of: ${script}`);
  return { wall, cpu: user + system };
}

export async function run(
  program: string,
  args: readonly string[],
): Promise<{ readonly out: string; readonly err: string }> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 0) return { out, err };
  throw new Error(`${program} ${args.join(' ')} ended with ${String(code)}: ${err}`);
}
