/** Calls back once after a time in which nobody has called `touch`. Stopped until the first `touch`. */
export class IdleTimer {
  readonly #onIdle: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly ms: number,
    onIdle: () => void,
  ) {
    this.#onIdle = onIdle;
  }

  /** Starts the time anew. */
  touch(): void {
    if (this.#timer === undefined) this.#timer = setTimeout(this.#onIdle, this.ms);
    else this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
