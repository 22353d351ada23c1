import { execFile } from 'node:child_process';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const SOURCE = path.resolve(import.meta.dirname, '../../fixtures/faults/shim.c');

/** What a rule of the shim does: see `test/fixtures/faults/shim.c`. */
export interface Rule {
  readonly operation: 'read' | 'write' | 'sync' | 'link' | 'rename' | 'unlink';
  readonly action: 'EIO' | 'ENOSPC' | 'EROFS' | 'EMLINK' | 'SHORT';
  /** Part of the path of the files that it is for. */
  readonly where: string;
}

/** Lets system calls of a server fail, from one moment to another. */
export class Shim {
  private constructor(
    private readonly library: string,
    private readonly rules: string,
  ) {}

  /** Compiles it into a directory. @throws where there is no compiler */
  static async compile(directory: string): Promise<Shim> {
    const library = path.join(directory, 'shim.so');
    const args = ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', library, SOURCE, '-ldl'];
    await promisify(execFile)('gcc', args);
    return new Shim(library, path.join(directory, 'faults'));
  }

  /** For the server's process. */
  get environment(): Readonly<Record<string, string>> {
    return { LD_PRELOAD: this.library, STOWAGE_TEST_FAULTS: this.rules };
  }

  /** From now on these rules hold, and no others. */
  async arm(...rules: readonly Rule[]): Promise<void> {
    await this.#write(
      rules.map(({ operation, action, where }) => `${operation} ${action} ${where}`),
    );
  }

  /** From now on the server's wall clock is so many seconds from the real one. */
  async moveClock(seconds: number): Promise<void> {
    await this.#write([`clock ${seconds} -`]);
  }

  async disarm(): Promise<void> {
    await rm(this.rules, { force: true });
  }

  async #write(lines: readonly string[]): Promise<void> {
    await writeFile(`${this.rules}.new`, `${lines.join('\n')}\n`);
    await rename(`${this.rules}.new`, this.rules);
  }
}
