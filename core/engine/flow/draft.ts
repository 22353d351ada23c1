import type { Image, ImageAttributes, ImagePatch } from '../../image/image.js';
import type { TaskRecord } from '../import.js';

/** Attributes that speak of the bytes: the engine's word wins over a user's change meanwhile. */
const ENGINE_OWNED: readonly string[] = ['diskFormat', 'containerFormat'];

/** What the tasks that have succeeded propose, later ones over earlier ones. */
export function mergedDraft(tasks: readonly TaskRecord[]): ImagePatch {
  return tasks
    .filter(({ state }) => state === 'succeeded')
    .reduce<ImagePatch>((merged, { draft }) => mergePatches(merged, draft ?? {}), {});
}

export function mergePatches(earlier: ImagePatch, later: ImagePatch): ImagePatch {
  const properties = { ...earlier.properties, ...later.properties };
  return {
    ...earlier,
    ...later,
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
  };
}

/** The image as it would be with a patch applied. */
export function withPatch(image: Image, patch: ImagePatch): Image {
  const { properties: changes = {}, ...attributes } = patch;
  const properties: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...image.properties, ...changes })) {
    if (value !== null) properties[name] = value;
  }
  return { ...image, ...attributes, properties };
}

/**
 * A draft without what a user has changed since the import began. `userPatched` has attribute names
 * and `properties.<name>`.
 */
export function withoutUserPatched(draft: ImagePatch, userPatched: readonly string[]): ImagePatch {
  const { properties, ...attributes } = draft;
  const keptAttributes = Object.fromEntries(
    Object.entries(attributes).filter(
      ([name]) => ENGINE_OWNED.includes(name) || !userPatched.includes(name),
    ),
  ) as Partial<ImageAttributes>;
  const keptProperties = Object.fromEntries(
    Object.entries(properties ?? {}).filter(
      ([name]) => !userPatched.includes(`properties.${name}`),
    ),
  );
  return { ...keptAttributes, properties: keptProperties };
}
