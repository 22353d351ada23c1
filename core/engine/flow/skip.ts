import type { ImportTask } from '../../plugin/contract/task.js';
import type { TaskView } from '../../plugin/contract/view.js';
import { unmetCondition } from '../../config/condition.js';
import type { FlowTask } from '../import.js';

/** Why a task does not run, by its flow, its condition, what the import holds, or its own word. */
export function skipReason(flow: FlowTask, task: ImportTask, view: TaskView): string | undefined {
  if (flow.skip !== undefined) return flow.skip;
  const unmet = unmetCondition(flow.when, {
    image: view.image,
    caller: view.caller,
    method: view.request.method,
    stores: view.store === undefined ? view.request.stores : [view.store],
    size: view.data?.size,
  });
  if (unmet !== undefined) return unmet;
  const needsData = flow.replacesData || flow.judgesData || flow.store !== undefined;
  if (view.data === undefined && needsData) return 'The import holds no bytes';
  return task.skipReason?.(view);
}
