import { inject, injectable } from 'inversify';
import { Plugins } from '../../plugin/plugins.js';
import type { TaskView } from '../../plugin/contract/view.js';
import { needOf } from '../flow/need.js';
import type { PlannedWork } from '../flow/need.js';
import { skipReason } from '../flow/skip.js';
import type { FlowTask } from '../import.js';

/** Foretells what the tasks of an import need of the staging area. Changes nothing. */
@injectable()
export class Needs {
  constructor(@inject(Plugins) private readonly plugins: Plugins) {}

  /** Bytes that the tasks of `flow` need beside the data of `view` at most, see {@link work}. */
  async of(flow: readonly FlowTask[], view: TaskView): Promise<number> {
    return needOf(await this.work(flow, view));
  }

  /**
   * What each task of `flow` needs. The first sees just that view; of the others it is what is known
   * now, and they are asked again when it is their turn.
   */
  async work(flow: readonly FlowTask[], view: TaskView): Promise<readonly PlannedWork[]> {
    if (view.data === undefined) return [];
    const work: PlannedWork[] = [];
    for (const [index, task] of flow.entries()) {
      const seen = { ...view, store: task.store, ...(index > 0 && { observation: undefined }) };
      const { replacesData, entry, store } = task;
      const beside = store === undefined ? undefined : entry;
      const workspace = await this.#workspace(task, seen, index);
      work.push({ replacesData, beside, workspace });
    }
    return work;
  }

  async #workspace(flow: FlowTask, view: TaskView, index: number): Promise<number> {
    const { task } = await this.plugins.task(flow);
    if (task.workspace === undefined) return 0;
    try {
      if (skipReason(flow, task, view) !== undefined) return 0;
      return task.workspace(view);
    } catch (error) {
      // A later task may stumble over a view that is not its own yet.
      if (index > 0) return 0;
      throw error;
    }
  }
}
