import { BugError } from '../base/errors.js';
import type { ImportState, TaskState } from './import.js';

/** Every allowed move of an import, with its reason. */
export const IMPORT_TRANSITIONS: readonly (readonly [ImportState, ImportState, string])[] = [
  ['pending', 'running', 'the worker took it up'],
  ['pending', 'reverting', 'cancelled before it began'],
  ['running', 'succeeded', 'the image was activated'],
  ['running', 'reverting', 'a task failed, or it was cancelled'],
  ['reverting', 'failed', 'every effect is undone'],
  ['reverting', 'cancelled', 'every effect is undone, as a user has asked'],
  ['reverting', 'revert_failed', 'an effect outside could not be undone'],
  ['revert_failed', 'reverting', 'an operator asked to try again'],
];

/** Every allowed move of a task, with its reason. */
export const TASK_TRANSITIONS: readonly (readonly [TaskState, TaskState, string])[] = [
  ['pending', 'waiting', 'no room or no worker for it yet'],
  ['pending', 'running', 'its turn'],
  ['pending', 'skipped', 'this import does not need it'],
  ['pending', 'cancelled', 'the import ended before its turn'],
  ['waiting', 'waiting', 'it waits for something else now'],
  ['waiting', 'running', 'its turn, or its next attempt'],
  ['waiting', 'skipped', 'this import does not need it any more'],
  ['waiting', 'failed', 'what it waits for can never be'],
  ['waiting', 'cancelled', 'the import was cancelled'],
  ['running', 'running', 'taken over after a restart'],
  ['running', 'waiting', 'a transient failure; it will be tried again'],
  ['running', 'skipped', 'after a restart it was not needed any more'],
  ['running', 'succeeded', 'its result is stored'],
  ['running', 'failed', 'it failed for good'],
  ['running', 'cancelled', 'the import was cancelled'],
  ['succeeded', 'reverting', 'a later task failed'],
  ['failed', 'reverting', 'it may have had effects'],
  ['cancelled', 'reverting', 'it may have had effects'],
  ['reverting', 'reverting', 'taken over after a restart'],
  ['reverting', 'reverted', 'its effects are undone'],
  ['reverting', 'revert_failed', 'its effects could not be undone'],
  ['revert_failed', 'reverting', 'an operator asked to try again'],
];

export const LIVE_IMPORT_STATES: readonly ImportState[] = ['pending', 'running', 'reverting'];
/** Where a wish to stop still decides what becomes of the import. */
export const CANCELLABLE_IMPORT_STATES: readonly ImportState[] = ['pending', 'running'];
export const FINAL_IMPORT_STATES: readonly ImportState[] = [
  'succeeded',
  'failed',
  'cancelled',
  'revert_failed',
];

/** Of tasks that are still to do, or to do again. */
export const OPEN_TASK_STATES: readonly TaskState[] = ['pending', 'waiting', 'running'];

export function isFinal(state: ImportState): boolean {
  return FINAL_IMPORT_STATES.includes(state);
}

/** The states from which an import may move to `to`. */
export function importStatesBefore(to: ImportState): readonly ImportState[] {
  return statesBefore(IMPORT_TRANSITIONS, to);
}

/** The states from which a task may move to `to`. */
export function taskStatesBefore(to: TaskState): readonly TaskState[] {
  return statesBefore(TASK_TRANSITIONS, to);
}

function statesBefore<S extends string>(
  table: readonly (readonly [S, S, string])[],
  to: S,
): readonly S[] {
  const states = table.filter(([, target]) => target === to).map(([from]) => from);
  if (states.length > 0) return states;
  throw new BugError({ code: 'ILLEGAL_TRANSITION', message: `Nothing may become "${to}"` });
}
