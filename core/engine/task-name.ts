import type { TaskRecord } from './import.js';

/** How events and failures name a task. */
export function nameOf(row: Pick<TaskRecord, 'entry' | 'store' | 'position'>): {
  readonly task: string;
  readonly position: number;
  readonly store?: string;
} {
  const { entry, store, position } = row;
  return { task: entry, position, ...(store === null ? {} : { store }) };
}
