import type { JsonObject } from '../../base/json.js';
import type { TaskRecord } from '../../engine/import.js';
import type { TaskProgress } from '../../engine/service.js';

/** How far work is, in bytes or a task's own unit. */
export interface Progress {
  readonly done: number;
  readonly total: number | null;
  /** Units per second. */
  readonly rate: number | null;
}

/** With what is left, in seconds, where that can be said. */
export function presentProgress({ done, total, rate }: Progress): JsonObject {
  return {
    done,
    total,
    percent: percentOf(done, total),
    rate: rate === null ? null : Math.round(rate),
    eta_seconds: etaSeconds(done, total, rate),
  };
}

/** The news of one task, as the stream of events sends it. */
export function presentTaskProgress(progress: TaskProgress): JsonObject {
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
