import { stripVTControlCharacters } from 'node:util';
import { LiveLines } from './terminal.js';
import type { Terminal } from './terminal.js';
import { describeProgress, drawRows, labelOf } from './task-lines.js';
import type { Row } from './task-lines.js';

const FRAME_MS = 100;
/** Where nobody watches, progress is written each time that another such part is done. */
const STEP = 0.25;

/** Shows rows that change: drawn in place on a screen, a line for each change elsewhere. */
export interface ProgressView {
  update(rows: readonly Row[]): void;
  /** Draws the last state and lets go of the screen. */
  end(): void;
}

export function progressView(terminal: Terminal): ProgressView {
  return terminal.screen === undefined
    ? new LineView(terminal.out)
    : new LiveView(new LiveLines(terminal.screen));
}

class LiveView implements ProgressView {
  private rows: readonly Row[] = [];
  private frame = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly lines: LiveLines) {
    this.timer = setInterval(() => {
      this.draw();
    }, FRAME_MS);
  }

  update(rows: readonly Row[]): void {
    this.rows = rows;
  }

  end(): void {
    clearInterval(this.timer);
    this.draw();
    this.lines.end();
    this.rows = [];
  }

  private draw(): void {
    this.frame += 1;
    if (this.rows.length > 0) this.lines.draw(drawRows(this.rows, this.frame));
  }
}

class LineView implements ProgressView {
  private readonly said = new Map<string, string>();

  constructor(private readonly out: (line: string) => void) {}

  update(rows: readonly Row[]): void {
    for (const row of rows) {
      const key = `${row.name} ${row.store ?? ''}`;
      const step = stepOf(row);
      const state = `${row.state} ${row.attempt ?? 0} ${step}`;
      if (row.state === 'pending' || this.said.get(key) === state) continue;
      this.said.set(key, state);
      const text =
        step > 0 && row.progress != null
          ? `  ▸ ${labelOf(row)}  ${describeProgress(row.progress)}`
          : lineOf(row);
      this.out(stripVTControlCharacters(text).trimEnd());
    }
  }

  end(): void {
    // Every line stands already.
  }
}

function lineOf(row: Row): string {
  if (row.state !== 'running') return drawRows([row], 0).join('');
  const again = (row.attempt ?? 1) > 1 ? `, attempt ${row.attempt ?? 1}` : '';
  return `  ▸ ${labelOf(row)}  running${again}`;
}

/** Which part of a running row is done, counted in steps. */
function stepOf({ state, progress }: Row): number {
  if (state !== 'running' || progress?.total == null || progress.total <= 0) return 0;
  return Math.min(1 / STEP - 1, Math.floor(progress.done / progress.total / STEP));
}
