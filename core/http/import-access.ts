import { assertCanChangeImage, assertCanSeeImport, assertCanWrite } from '../auth/policy.js';
import type { Caller } from '../auth/caller.js';
import type { Reader } from '../engine/ports.js';
import type { ImportRecord } from '../engine/import.js';
import type { ImportDetail } from '../engine/service.js';

/**
 * An import that the caller may see.
 * @throws {NotFoundError} `IMPORT_NOT_FOUND`
 */
export async function visibleImport(
  read: Reader,
  caller: Caller,
  id: string,
): Promise<ImportDetail> {
  const record = await read.import(id);
  const image = record === undefined ? undefined : await read.imageEvenDeleted(record.imageId);
  assertCanSeeImport(caller, id, record, image);
  return { import: record, tasks: await read.tasks(id) };
}

/**
 * An import that the caller may cancel or retry: who may change its image.
 * @throws {NotFoundError} `IMPORT_NOT_FOUND` · `IMAGE_NOT_FOUND`
 * @throws {ForbiddenError} `IMAGE_NOT_YOURS` · `READ_ONLY_CALLER`
 */
export async function changeableImport(
  read: Reader,
  caller: Caller,
  id: string,
): Promise<ImportRecord> {
  const { import: record } = await visibleImport(read, caller, id);
  const image = await read.image(record.imageId);
  if (image === undefined) assertCanWrite(caller);
  else assertCanChangeImage(caller, image.id, image);
  return record;
}
