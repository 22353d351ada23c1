import { readFile, truncate, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import path from 'node:path';
import { run } from './native.js';

const MIB = 1024 ** 2;
/** MiB of memory that may be free, and MiB that are filled at once. */
const FREE = 768;
const STEP = 256;

/**
 * Fills free memory with pages of a file that holds nothing, which the system drops as it needs them. A
 * host takes free memory of a virtual machine back, and giving it anew costs more than writing a page:
 * whoever is measured would pay for what others have freed before.
 */
export class FreeMemory {
  readonly #file: string;
  readonly #steps: number;
  #next = 0;

  constructor(directory: string) {
    this.#file = path.join(directory, 'holes');
    this.#steps = Math.ceil(totalmem() / (STEP * MIB));
  }

  async fill(): Promise<void> {
    for (let filled = 0; filled < this.#steps && (await freeMib()) > FREE; filled += 1) {
      await this.#readOn();
    }
  }

  async #readOn(): Promise<void> {
    if (this.#next === 0) {
      await writeFile(this.#file, '');
      await truncate(this.#file, this.#steps * STEP * MIB);
    }
    const skip = (this.#next % this.#steps) * STEP;
    this.#next += 1;
    await run('dd', [
      ...[`if=${this.#file}`, 'of=/dev/null', 'bs=1M', 'status=none'],
      ...[`skip=${skip}`, `count=${STEP}`],
    ]);
  }
}

async function freeMib(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8');
  return Number(/^MemFree:\s+(\d+)/m.exec(text)?.[1]) / 1024;
}
