import type { FlowTask, ImportRecord, TaskRecord } from './import.js';

/** What a new import is made of; everything else of its record begins empty. */
export type NewImport = Omit<
  ImportRecord,
  'state' | 'userPatched' | 'cancel' | 'failure' | 'startedAt' | 'finishedAt'
>;

/** The record of an import that nothing has happened to yet. */
export function newImport(parts: NewImport): ImportRecord {
  return {
    ...parts,
    state: 'pending',
    userPatched: [],
    cancel: null,
    failure: null,
    startedAt: null,
    finishedAt: null,
  };
}

/** The record of a task that has not had its turn. */
export function newTask(
  importId: string,
  position: number,
  { entry, plugin, store }: Pick<FlowTask, 'entry' | 'plugin' | 'store'>,
): TaskRecord {
  return {
    importId,
    position,
    entry,
    plugin,
    store: store ?? null,
    state: 'pending',
    attempt: 0,
    retries: 0,
    countedFrom: 0,
    reached: 0,
    checkpoint: null,
    draft: null,
    output: null,
    virtualSize: null,
    size: null,
    reason: null,
    failure: null,
    progressDone: null,
    progressTotal: null,
    retryAt: null,
    startedAt: null,
    finishedAt: null,
  };
}
