import { readFile, readdir, readlink } from 'node:fs/promises';

/** Clock ticks of `/proc/PID/stat` in a second; the same on every Linux that Node runs on. */
const TICKS = 100;

/**
 * The processes of a server: whoever listens on a port, and all others of its session, such as
 * workers and the programs that it runs. Found anew at each call.
 */
export class ProcessGroup {
  constructor(private readonly port: number) {}

  /** Seconds of CPU that they and their ended children have used so far. */
  async cpuSeconds(): Promise<number> {
    const ticks = (await this.#stats()).map(({ fields }) =>
      // utime, stime, cutime, cstime: proc(5), fields 14 to 17
      [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0),
    );
    return ticks.reduce((sum, one) => sum + one, 0) / TICKS;
  }

  /** MiB of proportional memory. */
  async memory(): Promise<number> {
    const stats = await this.#stats();
    const sizes = await Promise.all(
      stats.map(async ({ pid }) => {
        const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
        return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
      }),
    );
    return sizes.reduce((sum, one) => sum + one, 0) / 1024;
  }

  /** The fields of `/proc/PID/stat` behind the name of the program. */
  async #stats(): Promise<readonly { pid: string; fields: readonly string[] }[]> {
    const all = await processStats();
    const sockets = await listeningSockets(this.port);
    const holders = await Promise.all(
      all.map(async (one) => ((await holdsAny(one.pid, sockets)) ? [one] : [])),
    );
    const sessions = new Set(holders.flat().map(({ fields }) => fields[3]));
    return all.filter(({ fields }) => sessions.has(fields[3]));
  }
}

async function processStats() {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
      if (text === undefined) return [];
      return [{ pid, fields: text.slice(text.lastIndexOf(')') + 2).split(' ') }];
    }),
  );
  return stats.flat();
}

async function listeningSockets(port: number): Promise<ReadonlySet<string>> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => '')),
  );
  const rows = tables.flatMap((table) =>
    table
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/)),
  );
  const listening = rows.filter((row) => row[3] === '0A' && row[1]?.endsWith(wanted) === true);
  return new Set(listening.map((row) => `socket:[${row[9] ?? ''}]`));
}

async function holdsAny(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const targets = await Promise.all(
    fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')),
  );
  return targets.some((target) => sockets.has(target));
}
