/**
 * Lets one piece of work run at a time, in the order in which they asked. Knows no deadline: what
 * runs inside must end by itself.
 */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` after all that was asked for before; settles as it does. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    // The next in line waits for the end of this one, whichever it is.
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
