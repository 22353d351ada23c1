import { inject, injectable } from 'inversify';
import { randomUUID } from 'node:crypto';
import { Plugins } from '../../plugin/plugins.js';
import type { TaskView } from '../../plugin/contract/view.js';
import { unmetCondition } from '../../config/condition.js';
import type { FlowTask } from '../import.js';
import { Intake } from './intake.js';
import type { Accepted } from './intake.js';
import { Journal } from '../journal.js';
import type { ImportPlan, ImportRequest, PlannedTask } from '../service.js';
import { dataView } from '../flow/view.js';

/** Says what an import would do. Uses the same judgement as a real one and changes nothing. */
@injectable()
export class ImportPlanner {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Plugins) private readonly plugins: Plugins,
    @inject(Intake) private readonly intake: Intake,
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
      workspace: Math.max(0, ...tasks.map(({ workspace }) => workspace)),
      staging: { capacity, reserved: await this.journal.read.reservedBytes() },
    };
  }

  async #planned(
    request: ImportRequest,
    { image, params, stores }: Accepted,
    flow: FlowTask,
    data: TaskView['data'],
  ): Promise<PlannedTask> {
    const { task } = await this.plugins.task(flow);
    const { caller } = request;
    const view: TaskView = {
      importId: randomUUID(),
      image,
      data,
      request: { method: request.method, params, stores },
      caller,
      store: flow.store,
      observation: undefined,
    };
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
