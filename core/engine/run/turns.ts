import { inject, injectable } from 'inversify';
import { BugError } from '../../base/errors.js';
import type { Json } from '../../base/json.js';
import type { TaskView } from '../../plugin/contract/view.js';
import { Plugins } from '../../plugin/plugins.js';
import type { LoadedTask } from '../../plugin/plugins.js';
import type { Generation } from '../../staging/generation.js';
import { skipReason } from '../flow/skip.js';
import { currentGeneration, taskView } from '../flow/view.js';
import type { FlowTask, ImportRecord, TaskRecord } from '../import.js';
import { Journal } from '../journal.js';
import { OPEN_TASK_STATES } from '../states.js';

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

/** Prepares the turns of tasks from what the rows say. Changes nothing. */
@injectable()
export class Turns {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Plugins) private readonly plugins: Plugins,
  ) {}

  async of(record: ImportRecord, tasks: readonly TaskRecord[], row: TaskRecord): Promise<Turn> {
    const flow = flowOf(record, row);
    const [loaded, image, generations] = await Promise.all([
      this.plugins.task(flow),
      this.journal.read.imageEvenDeleted(record.imageId),
      this.journal.read.generations({ importId: record.id }),
    ]);
    if (image === undefined) {
      throw new BugError({
        code: 'IMAGE_GONE',
        message: `Import ${record.id} has no image ${record.imageId}`,
      });
    }
    const generation = currentGeneration(generations, row.position);
    const observation = await this.#observation(loaded, generation);
    const view = taskView(record, tasks, row, image, generation, observation);
    return { record, tasks, row, flow, loaded, view, generation };
  }

  /** What the task's observer has made of these bytes, where it has one that has seen them. */
  async #observation(
    { task, observerKey }: LoadedTask,
    generation: Generation | undefined,
  ): Promise<Json | undefined> {
    if (task.observe === undefined || generation === undefined) return undefined;
    return (await this.journal.read.observations(generation.id))[observerKey];
  }

  /** A store task with those of the same entry for other stores, which run with it; else it alone. */
  async together(
    record: ImportRecord,
    tasks: readonly TaskRecord[],
    row: TaskRecord,
  ): Promise<readonly TaskRecord[]> {
    if (row.store === null) return [row];
    // One that cannot be loaded fails in its own turn. An import holds one workspace at a time.
    const loaded = await this.plugins.task(flowOf(record, row)).catch(() => undefined);
    if (loaded === undefined || loaded.task.workspace !== undefined) return [row];
    return tasks.filter(
      ({ entry, state }) => entry === row.entry && OPEN_TASK_STATES.includes(state),
    );
  }

  /** Why the task does not run, by its flow, its condition, what the import holds, or its own word. */
  async skipReason(turn: Turn): Promise<string | undefined> {
    const { flow, loaded, view } = turn;
    return skipReason(flow, loaded.task, view) ?? (await this.#placedByAnother(turn));
  }

  /** A task before this one may have put the image into the store by itself, by a clone for example. */
  async #placedByAnother({ record, row, flow }: Turn): Promise<string | undefined> {
    if (flow.store === undefined || row.attempt > 0) return undefined;
    const placed = await this.journal.read.locations({
      importId: record.id,
      store: flow.store,
      states: ['placed'],
    });
    return placed.length === 0 ? undefined : `The image is in store "${flow.store}" already`;
  }
}

/** The frozen entry of a task. */
export function flowOf(record: ImportRecord, row: TaskRecord): FlowTask {
  const flow = record.flow[row.position];
  if (flow !== undefined) return flow;
  throw new BugError({
    code: 'FLOW_MISMATCH',
    message: `Import ${record.id} has a task ${row.position} that its flow does not know`,
  });
}
