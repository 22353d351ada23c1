import { styleText } from 'node:util';
import { formatByteSize } from '../base/byte-size.js';
import { formatDuration } from '../base/duration.js';
import type { FailureResource, ImportResource, ProgressResource, TaskResource } from './wire.js';

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const;
const BAR_WIDTH = 24;

type Colour = 'green' | 'red' | 'yellow' | 'cyan' | 'gray';

const MARKS: Readonly<Record<string, readonly [string, Colour]>> = {
  pending: ['·', 'gray'],
  waiting: ['⧗', 'yellow'],
  succeeded: ['✔', 'green'],
  skipped: ['−', 'gray'],
  failed: ['✖', 'red'],
  cancelled: ['✖', 'yellow'],
  reverted: ['↺', 'yellow'],
  revert_failed: ['✖', 'red'],
};

/** One row of the live list: a task, or the upload that comes before them. */
export interface Row {
  readonly name: string;
  readonly store?: string | null | undefined;
  readonly state: string;
  readonly attempt?: number;
  readonly reason?: string | null | undefined;
  readonly progress?: ProgressResource | null | undefined;
  readonly failure?: FailureResource | null | undefined;
  /** Milliseconds that it took, when it has ended. */
  readonly tookMs?: number | undefined;
}

/** The rows of an import's tasks. */
export function taskRows({ tasks }: ImportResource): readonly Row[] {
  return tasks.map((task) => ({ ...task, tookMs: tookMs(task) }));
}

function tookMs({ started_at, finished_at }: TaskResource): number | undefined {
  if (typeof started_at !== 'string' || typeof finished_at !== 'string') return undefined;
  return Date.parse(finished_at) - Date.parse(started_at);
}

/** The rows as lines for a terminal. @param frame counts the drawings, for the spinner */
export function drawRows(rows: readonly Row[], frame: number): readonly string[] {
  const width = Math.max(...rows.map((row) => labelOf(row).length));
  return rows.map((row) => {
    const state = hasNotBegun(row) ? 'skipped' : row.state;
    const [mark, colour] = MARKS[state] ?? [SPINNER[frame % SPINNER.length] ?? '', 'cyan'];
    return `  ${styleText(colour, mark)} ${labelOf(row).padEnd(width)}  ${tail(row)}`.trimEnd();
  });
}

/** The import ended before its turn. */
function hasNotBegun({ state, attempt }: Row): boolean {
  return state === 'cancelled' && attempt === 0;
}

/** What a row is called. */
export function labelOf({ name, store }: Row): string {
  return typeof store === 'string' ? `${name} → ${store}` : name;
}

function tail(row: Row): string {
  switch (row.state) {
    case 'succeeded':
      return styleText('gray', [amount(row), took(row)].filter((text) => text !== '').join('  '));
    case 'skipped':
      return styleText('gray', `skipped: ${row.reason ?? ''}`);
    case 'failed':
    case 'revert_failed':
      return styleText('red', row.failure?.message ?? row.state);
    case 'waiting':
      return styleText('yellow', row.reason ?? 'waiting');
    case 'running':
    case 'reverting':
      return running(row);
    default:
      if (hasNotBegun(row)) return styleText('gray', 'not begun');
      return row.state === 'pending' ? '' : row.state;
  }
}

function amount({ progress }: Row): string {
  return progress?.total == null || progress.total < 1024 ? '' : formatByteSize(progress.total);
}

function took({ tookMs }: Row): string {
  if (tookMs === undefined) return '';
  return tookMs < 1000 ? `${Math.max(0, tookMs)} ms` : formatDuration(tookMs);
}

function running(row: Row): string {
  const again = (row.attempt ?? 1) > 1 ? `attempt ${row.attempt ?? 1}  ` : '';
  const { progress } = row;
  if (progress == null) return `${again}${row.state === 'running' ? '' : row.state}`;
  return `${again}${describeProgress(progress)}`;
}

/** A bar with percent, amount, rate and time left, as far as they are known. */
export function describeProgress({ done, total, rate, eta_seconds }: ProgressResource): string {
  const isBytes = (total ?? done) >= 1024;
  const write = isBytes ? formatByteSize : String;
  const parts: string[] = [];
  if (total !== null && total > 0) {
    const part = Math.min(1, done / total);
    const full = Math.round(part * BAR_WIDTH);
    const bar =
      styleText('cyan', '█'.repeat(full)) + styleText('gray', '░'.repeat(BAR_WIDTH - full));
    parts.push(`${bar} ${String(Math.floor(part * 100)).padStart(3)} %`);
    if (isBytes) parts.push(`${write(done)} of ${write(total)}`);
  } else if (done > 0) parts.push(write(done));
  if (isBytes && rate != null && rate > 0) parts.push(`${formatByteSize(Math.round(rate))}/s`);
  if (eta_seconds != null) parts.push(`${formatDuration(Math.ceil(eta_seconds) * 1000)} left`);
  return parts.join('  ');
}
