import type { LoadedTask } from '../../plugin/plugins.js';
import type { TaskView } from '../../plugin/contract/view.js';
import type { Generation } from '../../staging/generation.js';
import type { FlowTask, ImportRecord, TaskRecord } from '../import.js';

/** One task of an import with everything that its turn needs. */
export interface Turn {
  readonly record: ImportRecord;
  readonly tasks: readonly TaskRecord[];
  readonly row: TaskRecord;
  readonly flow: FlowTask;
  readonly loaded: LoadedTask;
  readonly view: TaskView;
  readonly generation: Generation | undefined;
}
