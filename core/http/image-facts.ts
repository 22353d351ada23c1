import type { ImportRecord, TaskRecord } from '../engine/import.js';
import type { Reader } from '../engine/ports.js';
import type { ImportDetail } from '../engine/service.js';
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
  const importByImage = new Map(imports.map((detail) => [detail.import.imageId, detail]));
  const locationsByImage = new Map<string, Location[]>();
  for (const location of locations) {
    const { imageId } = location;
    locationsByImage.set(imageId, [...(locationsByImage.get(imageId) ?? []), location]);
  }
  return images.map((image) => {
    const held = locationsByImage.get(image.id) ?? [];
    return {
      stores: show.stores ? held.map(({ store }) => store) : undefined,
      locations: show.locations(image) ? held : undefined,
      directUrl: show.directUrl(image) ? (held[0]?.url ?? undefined) : undefined,
      importProperties: importProperties(importByImage.get(image.id)),
    };
  });
}

function importProperties(last: ImportDetail | undefined): Readonly<Record<string, string>> {
  if (last === undefined || last.import.method === UPLOAD_METHOD) return {};
  const { import: record, tasks } = last;
  const live = LIVE_IMPORT_STATES.includes(record.state);
  return {
    os_glance_importing_to_stores: live ? pendingStores(record, tasks).join(',') : '',
    os_glance_failed_import: failedStores(record, tasks).join(','),
    ...(live ? { os_glance_import_task: record.id } : {}),
  };
}

function pendingStores(record: ImportRecord, tasks: readonly TaskRecord[]): readonly string[] {
  const over = tasks.filter(({ state }) => OVER.includes(state) || FAILED_TASKS.includes(state));
  return record.stores.filter((store) => !over.some((task) => task.store === store));
}

function failedStores(record: ImportRecord, tasks: readonly TaskRecord[]): readonly string[] {
  if (record.state === 'succeeded' || LIVE_IMPORT_STATES.includes(record.state)) {
    const failed = tasks.filter(({ state }) => FAILED_TASKS.includes(state));
    return record.stores.filter((store) => failed.some((task) => task.store === store));
  }
  return record.stores;
}
