import { definePlugin } from '../../core/api.js';
import type { ImportTask, TaskContext, TaskResult, TaskView } from '../../core/api.js';

class StoreTask implements ImportTask {
  skipReason({ data }: TaskView): string | undefined {
    return data === undefined ? 'The import holds no bytes' : undefined;
  }

  async execute(context: TaskContext): Promise<TaskResult> {
    const { store } = await context.place();
    return { output: { store, size: context.data?.size } };
  }
}

/** Puts the bytes into a store: one task for each target store, which fail and retry alone. */
export default definePlugin({
  name: 'store',
  apiVersion: 1,
  description: 'Puts the bytes into each target store',
  position: 'last',
  perStore: true,
  task: StoreTask,
});
