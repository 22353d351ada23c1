import type { SharedSeat } from '../../dataflow/pass.js';
import type { PluginLog } from '../../plugin/contract/services.js';
import type { DataSource } from '../../plugin/contract/source.js';
import type { DataView, TaskView } from '../../plugin/contract/view.js';
import type { LoadedTask } from '../../plugin/plugins.js';
import type { Generation } from '../../staging/generation.js';
import type { ImportRecord, TaskRecord } from '../import.js';
import type { TaskMeter } from './progress.js';

/** What one attempt of one task works with. */
export interface Attempt {
  readonly record: ImportRecord;
  readonly row: TaskRecord;
  readonly view: TaskView;
  /** The generation behind `view.data`. */
  readonly generation: Generation | undefined;
  /** The observers of this task's successors, for the bytes that it makes. */
  readonly successors: readonly LoadedTask[];
  readonly source: () => Promise<DataSource>;
  readonly seat: SharedSeat | undefined;
  /** Bytes that the tasks behind this one need beside such data at most. */
  readonly needOf: (data: DataView) => Promise<number>;
  readonly signal: AbortSignal;
  readonly log: PluginLog;
  readonly meter: TaskMeter;
  readonly epoch: number;
}
