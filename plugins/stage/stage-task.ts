import type { ImportTask, TaskContext, TaskResult } from '../../core/api.js';

/** Takes the source of the import's method; everything about the bytes is the engine's work. */
export class StageTask implements ImportTask {
  async execute(context: TaskContext): Promise<TaskResult> {
    const source = await context.source();
    const data = await context.stage(source);
    if (source.kind === 'location') {
      const { store, url, metadata = {}, size, virtualSize } = source;
      return {
        locations: [{ store, url, metadata }],
        size,
        ...(virtualSize === undefined ? {} : { virtualSize }),
        output: { source: source.kind, store, size },
      };
    }
    const output = { source: source.kind, size: data?.size, format: data?.inspection.format };
    if (source.kind !== 'registered') return { output };
    const { store, url, metadata = {} } = source;
    return { locations: [{ store, url, metadata }], output: { ...output, store } };
  }
}
