import type { Json } from '../../base/json.js';
import type { ImportTask, ObserveView } from '../contract/task.js';
import { anImage } from './an-image.js';

/** What a task's observer says of these bytes, cut into the given pieces. */
export function observed(
  task: ImportTask,
  pieces: Iterable<Uint8Array>,
  view: Partial<ObserveView> = {},
): Json | undefined {
  const observer = task.observe?.({ expectedSize: undefined, image: anImage(), ...view });
  for (const piece of pieces) observer?.update(piece);
  return observer?.finish();
}
