import type { Location } from '../../store/location.js';
import { defined, ifDefined } from '../columns.js';
import type { Columns } from '../columns.js';
import type { LocationRow } from '../entities/location-row.js';
import { jsonColumn, jsonObjectSchema } from '../json-column.js';
import { fromCount, fromTime, toCount, toTime } from '../numbers.js';

const metadataColumn = jsonColumn('locations.metadata', jsonObjectSchema);

export type LocationChange = Partial<
  Pick<Location, 'state' | 'url' | 'metadata' | 'linkedGeneration'>
>;

export function toLocation(row: LocationRow): Location {
  return {
    id: row.id,
    imageId: row.imageId,
    store: row.store,
    objectName: row.objectName,
    url: row.url,
    state: row.state,
    importId: row.importId,
    epoch: fromCount('locations.epoch', row.epoch),
    metadata: metadataColumn.read(row.metadata),
    linkedGeneration: row.linkedGeneration,
    createdAt: fromTime(row.createdAt),
  };
}

export function toLocationRow(location: Location): Columns<LocationRow> {
  return {
    id: location.id,
    imageId: location.imageId,
    store: location.store,
    objectName: location.objectName,
    url: location.url,
    state: location.state,
    importId: location.importId,
    epoch: toCount('locations.epoch', location.epoch),
    metadata: metadataColumn.write(location.metadata),
    linkedGeneration: location.linkedGeneration,
    createdAt: toTime(location.createdAt),
  };
}

/** The columns that a change names. */
export function toLocationColumns(change: LocationChange): Partial<LocationRow> {
  return defined({
    state: change.state,
    url: change.url,
    metadata: ifDefined(change.metadata, (metadata) => metadataColumn.write(metadata)),
    linkedGeneration: change.linkedGeneration,
  });
}
