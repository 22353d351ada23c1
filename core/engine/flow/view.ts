import { BugError } from '../../base/errors.js';
import type { Json } from '../../base/json.js';
import type { Image } from '../../image/image.js';
import type { DataView, RequestView, TaskView } from '../../plugin/contract/view.js';
import type { Generation } from '../../staging/generation.js';
import { mergedDraft, withPatch } from './draft.js';
import type { ImportRecord, TaskRecord } from '../import.js';

/** What everybody may know of a generation that is ready. */
export function dataView(generation: Generation): DataView {
  const { number, size, allocatedSize, digests, inspection } = generation;
  if (size === null || allocatedSize === null || digests === null || inspection === null) {
    throw new BugError({
      code: 'GENERATION_NOT_READY',
      message: `Generation ${generation.id} is shown before it is ready`,
    });
  }
  return { generation: number, size, allocatedSize, digests, inspection };
}

export function requestView(record: ImportRecord): RequestView {
  return { method: record.method, params: record.params, stores: record.stores };
}

/**
 * The generation that is current for the task at `position`: the newest whose maker stands before it.
 * A generation that a task has made and not yet been credited with is not seen by its next attempt.
 */
export function currentGeneration(
  generations: readonly Generation[],
  position: number,
): Generation | undefined {
  return generations
    .filter(({ state, position: maker }) => state === 'ready' && (maker ?? -1) < position)
    .reduce<Generation | undefined>(
      (newest, generation) =>
        newest === undefined || generation.number > newest.number ? generation : newest,
      undefined,
    );
}

/** The world as the task in `row` sees it. */
export function taskView(
  record: ImportRecord,
  tasks: readonly TaskRecord[],
  row: TaskRecord,
  image: Image,
  generation: Generation | undefined,
  observation: Json | undefined,
): TaskView {
  return {
    importId: record.id,
    image: withPatch(image, mergedDraft(tasks)),
    data: generation === undefined ? undefined : dataView(generation),
    request: requestView(record),
    caller: record.caller,
    store: row.store ?? undefined,
    observation,
  };
}
