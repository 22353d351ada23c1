import { StringDecoder } from 'node:string_decoder';

/** Characters after which a line is passed on without its end. */
const MAX_LINE = 4096;

/** Cuts an output at `\n` and `\r`; empty lines are left out. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(chunk)).split(/[\r\n]/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#pass(line);
    while (this.#rest.length > MAX_LINE) {
      this.#pass(this.#rest.slice(0, MAX_LINE));
      this.#rest = this.#rest.slice(MAX_LINE);
    }
  }

  /** Passes on what has no end of line. */
  end(): void {
    this.#pass(this.#rest + this.#decoder.end());
    this.#rest = '';
  }

  #pass(line: string): void {
    if (line !== '') this.#onLine(line);
  }
}
