import { z } from 'zod';
import type { Image } from '../../image/image.js';
import type { ImageChange } from '../../engine/ports.js';
import type { ImageRow } from '../entities/image-row.js';
import { defined, ifDefined } from '../columns.js';
import { jsonColumn, stringRecordSchema } from '../json-column.js';
import { fromCount, fromNullableCount, fromTime, toCount, toNullableCount } from '../numbers.js';

const propertiesColumn = jsonColumn('image_properties.value', stringRecordSchema);
const memberIdsColumn = jsonColumn('image_members.project_id', z.array(z.string()));
const tagsColumn = jsonColumn('image_tags.tag', z.array(z.string()));

/** The columns of `images` that an {@link ImageChange} may set. */
export type ImageColumns = Omit<
  ImageRow,
  'id' | 'createdAt' | 'updatedAt' | 'deletedAt' | 'propertiesJson' | 'tagsJson' | 'memberIdsJson'
>;

/** Tags come in the order of their bytes. */
export function toImage(row: ImageRow): Image {
  return {
    id: row.id,
    name: row.name,
    status: row.status,
    visibility: row.visibility,
    owner: row.owner,
    diskFormat: row.diskFormat,
    containerFormat: row.containerFormat,
    size: fromNullableCount('images.size', row.size),
    virtualSize: fromNullableCount('images.virtual_size', row.virtualSize),
    checksum: row.checksum,
    osHashAlgo: row.osHashAlgo,
    osHashValue: row.osHashValue,
    minDisk: fromCount('images.min_disk', row.minDisk),
    minRam: fromCount('images.min_ram', row.minRam),
    protected: row.protected,
    osHidden: row.osHidden,
    tags: tagsColumn.read(row.tagsJson),
    memberIds: memberIdsColumn.read(row.memberIdsJson),
    properties: propertiesColumn.read(row.propertiesJson),
    createdAt: fromTime(row.createdAt),
    updatedAt: fromTime(row.updatedAt),
  };
}

/** The columns that a change names. */
export function toImageColumns(change: ImageChange): Partial<ImageColumns> {
  const columns: { [Name in keyof ImageColumns]: ImageColumns[Name] | undefined } = {
    name: change.name,
    status: change.status,
    visibility: change.visibility,
    owner: change.owner,
    diskFormat: change.diskFormat,
    containerFormat: change.containerFormat,
    size: ifDefined(change.size, (size) => toNullableCount('images.size', size)),
    virtualSize: ifDefined(change.virtualSize, (size) =>
      toNullableCount('images.virtual_size', size),
    ),
    checksum: change.checksum,
    osHashAlgo: change.osHashAlgo,
    osHashValue: change.osHashValue,
    minDisk: ifDefined(change.minDisk, (gibibytes) => toCount('images.min_disk', gibibytes)),
    minRam: ifDefined(change.minRam, (mebibytes) => toCount('images.min_ram', mebibytes)),
    protected: change.protected,
    osHidden: change.osHidden,
  };
  return defined(columns);
}
