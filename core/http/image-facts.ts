import type { ImportOutcome, TaskRecord } from '../engine/import.js';
import type { Reader } from '../engine/ports.js';
import { LIVE_IMPORT_STATES } from '../engine/states.js';
import type { Image } from '../image/image.js';
import type { Location } from '../store/location.js';
import type { ImageFacts } from './presenters/image.js';

/** The method of `PUT …/file`, which tells clients nothing of imports. */
const UPLOAD_METHOD = 'upload';
const FAILED_TASKS: readonly TaskRecord['state'][] = [
  'failed',
  'cancelled',
  'reverting',
  'reverted',
  'revert_failed',
];

/** A store that has the image from another task is skipped. */
const OVER: readonly TaskRecord['state'][] = ['succeeded', 'skipped'];

/** Which of an image's places are shown. */
export interface ShownFacts {
  readonly stores: boolean;
  /** All there are, in config order. */
  readonly storeIds: readonly string[];
  /** Whether this image shows where its bytes are. */
  readonly locations: (image: Image) => boolean;
  readonly directUrl: (image: Image) => boolean;
}

/**
 * Gathers what images show beside their records: where their bytes are, how their last imports went.
 * A list costs as many reads as one image. Answers in the order of the images.
 */
export async function imageFacts(
  read: Reader,
  images: readonly Image[],
  show: ShownFacts,
): Promise<readonly ImageFacts[]> {
  const wanted =
    show.stores || images.some((image) => show.locations(image) || show.directUrl(image));
  const imageIds = images.map(({ id }) => id);
  const [imports, locations] = await Promise.all([
    read.newestImports(imageIds),
    wanted ? read.locations({ imageIds, states: ['active'] }) : [],
  ]);
  const importByImage = new Map(imports.map((outcome) => [outcome.imageId, outcome]));
  const locationsByImage = new Map<string, Location[]>();
  for (const location of locations) {
    const { imageId } = location;
    locationsByImage.set(imageId, [...(locationsByImage.get(imageId) ?? []), location]);
  }
  return images.map((image) => {
    const held = locationsByImage.get(image.id) ?? [];
    const inOrder = inShownOrder(held, show.storeIds);
    return {
      stores: show.stores ? inOrder.map(({ store }) => store) : undefined,
      locations: show.locations(image) ? held : undefined,
      directUrl: show.directUrl(image) ? (inOrder[0]?.url ?? undefined) : undefined,
      importProperties: importProperties(importByImage.get(image.id)),
    };
  });
}

/**
 * The stores that got the bytes first come first, as in Glance. Those of one import, which writes to them side
 * by side, are in config order, as Glance fills them; a store that the config has no more comes last.
 */
function inShownOrder(held: readonly Location[], storeIds: readonly string[]): readonly Location[] {
  if (held.length < 2) return held;
  const imports = held.map(({ id, importId }) => importId ?? id);
  const turn = ({ id, importId }: Location): number => imports.indexOf(importId ?? id);
  const place = ({ store }: Location): number => {
    const index = storeIds.indexOf(store);
    return index < 0 ? storeIds.length : index;
  };
  return held.toSorted((a, b) => turn(a) - turn(b) || place(a) - place(b));
}

function importProperties(last: ImportOutcome | undefined): Readonly<Record<string, string>> {
  if (last === undefined || last.method === UPLOAD_METHOD) return {};
  const live = LIVE_IMPORT_STATES.includes(last.state);
  return {
    os_glance_importing_to_stores: live ? pendingStores(last).join(',') : '',
    os_glance_failed_import: failedStores(last).join(','),
    ...(live ? { os_glance_import_task: last.id } : {}),
  };
}

function pendingStores({ stores, tasks }: ImportOutcome): readonly string[] {
  const over = tasks.filter(({ state }) => OVER.includes(state) || FAILED_TASKS.includes(state));
  return stores.filter((store) => !over.some((task) => task.store === store));
}

function failedStores({ state, stores, tasks }: ImportOutcome): readonly string[] {
  if (state === 'succeeded' || LIVE_IMPORT_STATES.includes(state)) {
    const failed = tasks.filter((task) => FAILED_TASKS.includes(task.state));
    return stores.filter((store) => failed.some((task) => task.store === store));
  }
  return stores;
}
