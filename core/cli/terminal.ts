import type { Writable } from 'node:stream';

/** Where a command writes. */
export interface Terminal {
  /** Results: standard output, a line each. */
  out(line: string): void;
  /** Everything that is not a result: standard error, a line each. */
  err(line: string): void;
  /** Rows that are drawn again and again; `undefined` where nobody watches. */
  readonly screen: Screen | undefined;
}

/** A terminal whose last lines can be replaced. */
export interface Screen {
  readonly columns: number;
  write(text: string): void;
}

/** The process's own streams. */
export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  return {
    out: (line) => void stdout.write(`${line}\n`),
    err: (line) => void stderr.write(`${line}\n`),
    screen: stdout.isTTY && process.env['TERM'] !== 'dumb' ? screenOf(stdout) : undefined,
  };
}

function screenOf(stream: Writable & { readonly columns: number }): Screen {
  return {
    get columns() {
      return stream.columns;
    },
    write: (text) => void stream.write(text),
  };
}

/** Some lines at the end of a screen that are replaced as a whole. */
export class LiveLines {
  private shown = 0;

  constructor(private readonly screen: Screen) {}

  /** Replaces the lines; each is cut to the width of the screen, so that none takes two rows. */
  draw(lines: readonly string[]): void {
    const up = this.shown > 0 ? `\u001b[${this.shown}F` : '';
    const text = lines.map((line) => `${cut(line, this.screen.columns)}\u001b[K\n`).join('');
    this.screen.write(`${up}${text}\u001b[J`);
    this.shown = lines.length;
  }

  /** Leaves the lines where they are; the next drawing begins below them. */
  end(): void {
    this.shown = 0;
  }
}

const ESCAPE = /\u001b\[[0-9;]*m/y;

function cut(line: string, columns: number): string {
  let width = 0;
  for (let index = 0; index < line.length; ) {
    ESCAPE.lastIndex = index;
    const escape = ESCAPE.exec(line);
    if (escape !== null) {
      index += escape[0].length;
      continue;
    }
    if (width === columns - 1) return `${line.slice(0, index)}\u001b[0m`;
    width += 1;
    index += 1;
  }
  return line;
}
