import type { ImportRecord } from '../../engine/import.js';
import type { ImportChange } from '../../engine/ports.js';
import { defined, ifDefined } from '../columns.js';
import type { Columns } from '../columns.js';
import type { ImportRow } from '../entities/import-row.js';
import {
  fromCount,
  fromNullableTime,
  fromTime,
  toCount,
  toNullableTime,
  toTime,
} from '../numbers.js';
import { importJson } from './import-json.js';

export function toImport(row: ImportRow): ImportRecord {
  return {
    id: row.id,
    imageId: row.imageId,
    method: row.method,
    params: importJson.params.read(row.params),
    stores: importJson.stores.read(row.stores),
    allStoresMustSucceed: row.allStoresMustSucceed,
    data: row.data,
    state: row.state,
    epoch: fromCount('imports.epoch', row.epoch),
    caller: importJson.caller.read(row.caller),
    requestId: row.requestId,
    flow: importJson.flow.read(row.flow),
    userPatched: importJson.userPatched.read(row.userPatched),
    expectedDigest: importJson.expectedDigest.readNullable(row.expectedDigest),
    idempotencyKey: row.idempotencyKey,
    cancel: row.cancel,
    failure: importJson.failure.readNullable(row.failure),
    createdAt: fromTime(row.createdAt),
    startedAt: fromNullableTime(row.startedAt),
    finishedAt: fromNullableTime(row.finishedAt),
  };
}

export function toImportRow(record: ImportRecord): Columns<ImportRow> {
  return {
    id: record.id,
    imageId: record.imageId,
    method: record.method,
    params: importJson.params.write(record.params),
    stores: importJson.stores.write(record.stores),
    allStoresMustSucceed: record.allStoresMustSucceed,
    data: record.data,
    state: record.state,
    epoch: toCount('imports.epoch', record.epoch),
    caller: importJson.caller.write(record.caller),
    requestId: record.requestId,
    flow: importJson.flow.write(record.flow),
    userPatched: importJson.userPatched.write(record.userPatched),
    expectedDigest: importJson.expectedDigest.writeNullable(record.expectedDigest),
    idempotencyKey: record.idempotencyKey,
    cancel: record.cancel,
    failure: importJson.failure.writeNullable(record.failure),
    createdAt: toTime(record.createdAt),
    startedAt: toNullableTime(record.startedAt),
    finishedAt: toNullableTime(record.finishedAt),
  };
}

/** The columns that a change names. */
export function toImportColumns(change: ImportChange): Partial<ImportRow> {
  return defined({
    state: change.state,
    epoch: ifDefined(change.epoch, (epoch) => toCount('imports.epoch', epoch)),
    failure: ifDefined(change.failure, (failure) => importJson.failure.writeNullable(failure)),
    startedAt: ifDefined(change.startedAt, toTime),
    finishedAt: ifDefined(change.finishedAt, toTime),
  });
}
