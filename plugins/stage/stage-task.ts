import type { CloneSource, ImportTask, TaskContext, TaskResult } from '../../core/api.js';

/** Takes the source of the import's method; everything about the bytes is the engine's work. */
export class StageTask implements ImportTask {
  async execute(context: TaskContext): Promise<TaskResult> {
    const source = await context.source();
    if (source.kind === 'clone') return clone(context, source);
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

/** A clone holds a whole disk; where none can be made the output says why, and the bytes are read. */
async function clone(context: TaskContext, source: CloneSource): Promise<TaskResult> {
  const { store } = source;
  const { placed, url, size, obstacles, draft } = await context.clone(source);
  if (placed !== undefined) {
    return { draft, size, virtualSize: size, output: { source: 'clone', store, size } };
  }
  const data = await context.stage({ kind: 'registered', store, url });
  return {
    draft,
    output: {
      source: 'volume',
      store,
      size: data?.size,
      format: data?.inspection.format,
      not_cloned: obstacles,
    },
  };
}
