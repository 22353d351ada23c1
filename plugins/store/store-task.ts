import type { ImportTask, TaskContext, TaskResult, TaskView } from '../../core/api.js';

/** Places the bytes; how they get there is the engine's and the store's work. */
export class StoreTask implements ImportTask {
  skipReason({ data }: TaskView): string | undefined {
    return data === undefined ? 'The import holds no bytes' : undefined;
  }

  async execute(context: TaskContext): Promise<TaskResult> {
    const { store } = await context.place();
    return { output: { store, size: context.data?.size } };
  }
}
