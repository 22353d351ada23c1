import { z } from 'zod';
import type { TaskRecord } from '../../engine/import.js';
import type { TaskProgress } from '../../engine/service.js';
import { COUNT } from './wire-types.js';

export const PROGRESS = z.strictObject({
  done: z.number().nonnegative(),
  total: z.number().nonnegative().nullable(),
  percent: z.number().min(0).max(100).nullable(),
  rate: COUNT.nullable(),
  eta_seconds: COUNT.nullable(),
});

export const TASK_PROGRESS = PROGRESS.extend({
  position: COUNT,
  name: z.string(),
  store: z.string().nullable(),
});

/** How far work is, in bytes or a task's own unit. */
export interface Progress {
  readonly done: number;
  readonly total: number | null;
  /** Units per second. */
  readonly rate: number | null;
}

/** With what is left, in seconds, where that can be said. */
export function presentProgress({ done, total, rate }: Progress): z.output<typeof PROGRESS> {
  return {
    done,
    total,
    percent: percentOf(done, total),
    rate: rate === null ? null : Math.round(rate),
    eta_seconds: etaSeconds(done, total, rate),
  };
}

/** The news of one task, as the stream of events sends it. */
export function presentTaskProgress(progress: TaskProgress): z.output<typeof TASK_PROGRESS> {
  return {
    position: progress.position,
    name: progress.entry,
    store: progress.store,
    ...presentProgress(progress),
  };
}

/** The newest that is known of a task: from the engine's memory, else from its row. */
export function progressOf(task: TaskRecord, live: readonly TaskProgress[]): Progress | undefined {
  const newest = live.find(({ position }) => position === task.position);
  if (newest !== undefined && task.state === 'running') return newest;
  if (task.progressDone === null) return undefined;
  return { done: task.progressDone, total: task.progressTotal, rate: null };
}

/** Work that runs side by side, as one; `undefined` where none of it says how far it is. */
export function sumProgress(parts: readonly Progress[]): Progress | undefined {
  if (parts.length === 0) return undefined;
  return {
    done: parts.reduce((sum, { done }) => sum + done, 0),
    total: sumOrNull(parts.map(({ total }) => total)),
    rate: sumOrNull(parts.map(({ rate }) => rate)),
  };
}

function sumOrNull(values: readonly (number | null)[]): number | null {
  return values.reduce((sum, value) => (sum === null || value === null ? null : sum + value), 0);
}

function percentOf(done: number, total: number | null): number | null {
  if (total === null || total <= 0) return null;
  return Math.min(100, Math.floor((done / total) * 1000) / 10);
}

function etaSeconds(done: number, total: number | null, rate: number | null): number | null {
  if (total === null || rate === null || rate <= 0) return null;
  return Math.max(0, Math.ceil((total - done) / rate));
}
