import type { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';

/** Where a command writes. */
export interface Terminal {
  /** Results: standard output, a line each. */
  readonly out: (line: string) => void;
  /** Everything that is not a result: standard error, a line each. */
  readonly err: (line: string) => void;
  /** Rows that are drawn again and again; `undefined` where nobody watches. */
  readonly screen: Screen | undefined;
}

/** A terminal whose last lines can be replaced. */
export interface Screen {
  readonly columns: number;
  write(text: string): void;
}

/** The process's own streams. Colours and other codes reach terminals only. */
export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  const isScreen = stdout.isTTY && process.env['TERM'] !== 'dumb';
  const hasColour = isScreen && !process.env['NO_COLOR'];
  return {
    out: (line) => void stdout.write(`${hasColour ? line : stripVTControlCharacters(line)}\n`),
    err: (line) => void stderr.write(`${line}\n`),
    screen: isScreen ? screenOf(stdout) : undefined,
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

/** Cuts to less than `columns` characters; colour codes (`ESC [ … m`) take no room. */
function cut(line: string, columns: number): string {
  let width = 0;
  for (let index = 0; index < line.length; index += 1) {
    if (line[index] === '\u001b') {
      index = line.indexOf('m', index);
      if (index < 0) break;
      continue;
    }
    if (width === columns - 1) return `${line.slice(0, index)}\u001b[0m`;
    width += 1;
  }
  return line;
}
