/** A task that is still to run, as far as staging is concerned. */
export interface PlannedWork {
  readonly replacesData: boolean;
  /** Bytes of its workspace at most. */
  readonly workspace: number;
  /** The entry of a task that runs beside others of that entry, one for each store. */
  readonly beside?: string | undefined;
}

/**
 * Bytes that tasks need beside the data that they begin with, at most: each its workspace, and beside
 * it what the tasks before it have made of theirs.
 */
export function needOf(tasks: readonly PlannedWork[]): number {
  let made = 0;
  let need = 0;
  let atOnce = 0;
  let entry: string | undefined;
  for (const { replacesData, workspace, beside } of tasks) {
    atOnce = beside !== undefined && beside === entry ? atOnce + workspace : workspace;
    entry = beside;
    need = Math.max(need, made + atOnce);
    if (replacesData) made += workspace;
  }
  return need;
}
