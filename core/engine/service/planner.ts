import { inject, injectable } from 'inversify';
import { randomUUID } from 'node:crypto';
import type { Caller } from '../../auth/caller.js';
import { StowageError } from '../../base/errors.js';
import { Plugins } from '../../plugin/plugins.js';
import type { DataView, TaskView } from '../../plugin/contract/view.js';
import { unmetCondition } from '../../config/condition.js';
import type { FlowTask } from '../import.js';
import { Intake } from './intake.js';
import type { Accepted } from './intake.js';
import { Journal } from '../journal.js';
import type { ImportPlan, ImportRequest, PlannedTask } from '../service.js';
import { STAGED_METHOD } from '../flow/flow.js';
import { dataView } from '../flow/view.js';
import { Needs } from '../run/needs.js';

/** Says what an import would do. Uses the same judgement as a real one and changes nothing. */
@injectable()
export class ImportPlanner {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Plugins) private readonly plugins: Plugins,
    @inject(Intake) private readonly intake: Intake,
    @inject(Needs) private readonly needs: Needs,
  ) {}

  async plan(request: ImportRequest, capacity: number): Promise<ImportPlan> {
    const accepted = await this.intake.accept(request);
    const [staged] = await this.journal.read.generations({
      imageId: request.imageId,
      importId: null,
      states: ['ready'],
    });
    const data = staged === undefined ? undefined : dataView(staged);
    const tasks: PlannedTask[] = [];
    for (const flow of accepted.flow) {
      tasks.push(await this.#planned(request, accepted, flow, data));
    }
    return {
      method: request.method,
      stores: accepted.stores,
      tasks,
      workspace: await this.#need(request, accepted, data),
      staging: { capacity, reserved: await this.journal.read.reservedBytes() },
    };
  }

  /** What an import of bytes that have just been staged would need beside them, if it began now. */
  async needOfStaged(imageId: string, caller: Caller, data: DataView): Promise<number> {
    const request = { imageId, method: STAGED_METHOD, params: {}, caller };
    try {
      return await this.#need(request, await this.intake.accept(request), data);
    } catch (error) {
      // Nothing is kept for an import that would be refused as things are.
      if (error instanceof StowageError) return 0;
      throw error;
    }
  }

  #need(request: ImportRequest, accepted: Accepted, data: TaskView['data']): Promise<number> {
    return this.needs.of(accepted.flow, planView(request, accepted, data));
  }

  async #planned(
    request: ImportRequest,
    accepted: Accepted,
    flow: FlowTask,
    data: TaskView['data'],
  ): Promise<PlannedTask> {
    const { task } = await this.plugins.task(flow);
    const view: TaskView = { ...planView(request, accepted, data), store: flow.store };
    const { image, caller } = view;
    const { stores } = accepted;
    const size = data?.size;
    const decided =
      flow.skip ??
      unmetCondition(flow.when, { image, caller, method: request.method, stores, size });
    const skip = decided ?? (data === undefined ? undefined : task.skipReason?.(view));
    const runs = skip === undefined && data !== undefined;
    return {
      entry: flow.entry,
      plugin: flow.plugin,
      store: flow.store,
      skip,
      workspace: runs ? (task.workspace?.(view) ?? 0) : 0,
    };
  }
}

/** What the tasks of an import that does not run would see. */
function planView(
  { method, caller }: ImportRequest,
  { image, params, stores }: Accepted,
  data: TaskView['data'],
): TaskView {
  return {
    importId: randomUUID(),
    image,
    data,
    request: { method, params, stores },
    caller,
    store: undefined,
    observation: undefined,
  };
}
