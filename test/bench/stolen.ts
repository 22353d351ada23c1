import { readFile } from 'node:fs/promises';

/** Ticks of all processors since the start of the machine. */
interface ProcessorTime {
  readonly stolen: number;
  readonly all: number;
}

/**
 * Does the work, and tells the part of the processors' time, from 0 to 1, that the host of a virtual
 * machine gave to others meanwhile. It lengthens figures in seconds, and none in CPU seconds, from
 * which limits are made.
 */
export async function withStolen<Value>(
  work: () => Promise<Value>,
): Promise<{ readonly value: Value; readonly stolen: number }> {
  const before = await processorTime();
  const value = await work();
  const after = await processorTime();
  return { value, stolen: (after.stolen - before.stolen) / (after.all - before.all) };
}

async function processorTime(): Promise<ProcessorTime> {
  const text = await readFile('/proc/stat', 'utf8');
  // user, nice, system, idle, iowait, irq, softirq, steal: proc_stat(5); guests are in the first two.
  const [, ...fields] = (/^cpu .*/.exec(text)?.[0] ?? '').split(/\s+/, 9).map(Number);
  return { stolen: fields.at(-1) ?? 0, all: fields.reduce((sum, one) => sum + one, 0) };
}
