import type { ImportRecord, ImportState, TaskRecord } from '../engine/import.js';
import type { Reader } from '../engine/ports.js';
import type { Image } from '../image/image.js';
import type { ImageFacts } from './presenters/image.js';

/** The method of `PUT …/file`, which tells clients nothing of imports. */
const UPLOAD_METHOD = 'upload';
const LIVE_STATES: readonly ImportState[] = ['pending', 'running', 'reverting'];
const FAILED_TASKS: readonly TaskRecord['state'][] = [
  'failed',
  'cancelled',
  'reverting',
  'reverted',
  'revert_failed',
];

/** Gathers what an image shows beside its record: where its bytes are, how its last import went. */
export async function imageFacts(
  read: Reader,
  image: Image,
  multiStore: boolean,
): Promise<ImageFacts> {
  const [stores, importProperties] = await Promise.all([
    multiStore ? storesOf(read, image.id) : undefined,
    importPropertiesOf(read, image),
  ]);
  return { stores, importProperties };
}

async function storesOf(read: Reader, imageId: string): Promise<readonly string[]> {
  const locations = await read.locations({ imageId, states: ['active'] });
  return [...new Set(locations.map(({ store }) => store))];
}

async function importPropertiesOf(
  read: Reader,
  image: Image,
): Promise<Readonly<Record<string, string>>> {
  const [last] = await read.imports({ imageId: image.id, order: 'desc', limit: 1 });
  if (last === undefined || last.method === UPLOAD_METHOD) return {};
  const tasks = await read.tasks(last.id);
  const live = LIVE_STATES.includes(last.state);
  return {
    os_glance_importing_to_stores: live ? pendingStores(last, tasks).join(',') : '',
    os_glance_failed_import: failedStores(last, tasks).join(','),
    ...(live ? { os_glance_import_task: last.id } : {}),
  };
}

function pendingStores(record: ImportRecord, tasks: readonly TaskRecord[]): readonly string[] {
  const over = tasks.filter(({ state }) => state === 'succeeded' || FAILED_TASKS.includes(state));
  return record.stores.filter((store) => !over.some((task) => task.store === store));
}

function failedStores(record: ImportRecord, tasks: readonly TaskRecord[]): readonly string[] {
  if (record.state === 'succeeded' || LIVE_STATES.includes(record.state)) {
    const failed = tasks.filter(({ state }) => FAILED_TASKS.includes(state));
    return record.stores.filter((store) => failed.some((task) => task.store === store));
  }
  return record.stores;
}
