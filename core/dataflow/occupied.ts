import { dataRuns } from './data-runs.js';

/** Smallest hole of a file, bytes. */
const PAGE = 4096;

/** Counts the bytes that a file occupies as it grows: whole pages of zeros become holes. */
export class Occupied {
  #bytes: number;
  /** End of the last page that was counted. */
  #countedTo: number;

  /** @param start bytes of the file that are there already, all of which count */
  constructor(start: number) {
    this.#bytes = start;
    this.#countedTo = start;
  }

  /** Takes the chunk that stands at `position`, behind all before; answers the bytes at most. */
  add(chunk: Uint8Array, position: number): number {
    const end = position + chunk.length;
    if (dataRuns(chunk, position).length > 0) {
      const from = Math.max(position - (position % PAGE), this.#countedTo);
      const to = Math.ceil(end / PAGE) * PAGE;
      this.#bytes += Math.max(0, to - from);
      this.#countedTo = Math.max(this.#countedTo, to);
    }
    return Math.min(this.#bytes, end);
  }
}
