import { z } from 'zod';
import type { GenerationChange } from '../../engine/ports.js';
import type { Finding, Inspection } from '../../format/inspection.js';
import type { Generation, ResumableUpload } from '../../staging/generation.js';
import { defined, ifDefined } from '../columns.js';
import type { Columns } from '../columns.js';
import type { GenerationRow } from '../entities/generation-row.js';
import { jsonColumn, jsonObjectSchema, stringRecordSchema } from '../json-column.js';
import {
  fromCount,
  fromNullableCount,
  fromNullableTime,
  fromTime,
  toCount,
  toNullableCount,
  toNullableTime,
  toTime,
} from '../numbers.js';

const finding = z.looseObject({
  rule: z.string(),
  severity: z.enum(['unsafe', 'note']),
  offset: z.number(),
  message: z.string(),
  hint: z.string(),
  relaxed: z.literal(true).exactOptional(),
}) satisfies z.ZodType<Finding>;

const inspection = z.looseObject({
  format: z.string(),
  subformat: z.string().exactOptional(),
  virtualSize: z.number().exactOptional(),
  size: z.number(),
  safe: z.boolean(),
  findings: z.array(finding),
  metadata: jsonObjectSchema,
}) satisfies z.ZodType<Inspection>;

const inspectionColumn = jsonColumn<Inspection>('generations.inspection', inspection);
const digestsColumn = jsonColumn('generations.digests', stringRecordSchema);

export function toGeneration(row: GenerationRow): Generation {
  return {
    id: row.id,
    imageId: row.imageId,
    importId: row.importId,
    number: row.number,
    position: row.position,
    file: row.file,
    state: row.state,
    epoch: fromCount('generations.epoch', row.epoch),
    durable: fromCount('generations.durable', row.durable),
    validator: row.validator,
    size: fromNullableCount('generations.size', row.size),
    allocatedSize: fromNullableCount('generations.allocated_size', row.allocatedSize),
    digests: digestsColumn.readNullable(row.digests),
    inspection: inspectionColumn.readNullable(row.inspection),
    createdAt: fromTime(row.createdAt),
    readyAt: fromNullableTime(row.readyAt),
    upload: toUpload(row),
  };
}

function toUpload(row: GenerationRow): ResumableUpload | null {
  const { uploadLength, uploadMetadata, uploadTouchedAt } = row;
  if (uploadLength === null || uploadTouchedAt === null) return null;
  return {
    length: fromCount('generations.upload_length', uploadLength),
    metadata: uploadMetadata ?? '',
    touchedAt: fromTime(uploadTouchedAt),
  };
}

export function toGenerationRow(generation: Generation): Columns<GenerationRow> {
  return {
    id: generation.id,
    imageId: generation.imageId,
    importId: generation.importId,
    number: toCount('generations.number', generation.number),
    position: toNullableCount('generations.position', generation.position),
    file: generation.file,
    state: generation.state,
    epoch: toCount('generations.epoch', generation.epoch),
    durable: toCount('generations.durable', generation.durable),
    validator: generation.validator,
    size: toNullableCount('generations.size', generation.size),
    allocatedSize: toNullableCount('generations.allocated_size', generation.allocatedSize),
    digests: digestsColumn.writeNullable(generation.digests),
    inspection: inspectionColumn.writeNullable(generation.inspection),
    createdAt: toTime(generation.createdAt),
    readyAt: toNullableTime(generation.readyAt),
    uploadLength: toNullableCount('generations.upload_length', generation.upload?.length ?? null),
    uploadMetadata: generation.upload?.metadata ?? null,
    uploadTouchedAt: toNullableTime(generation.upload?.touchedAt ?? null),
  };
}

/** The columns that a change names. */
export function toGenerationColumns(change: GenerationChange): Partial<GenerationRow> {
  return defined({
    state: change.state,
    durable: ifDefined(change.durable, (bytes) => toCount('generations.durable', bytes)),
    validator: change.validator,
    size: ifDefined(change.size, (size) => toCount('generations.size', size)),
    allocatedSize: ifDefined(change.allocatedSize, (size) =>
      toCount('generations.allocated_size', size),
    ),
    digests: ifDefined(change.digests, (digests) => digestsColumn.write(digests)),
    inspection: ifDefined(change.inspection, (value) => inspectionColumn.write(value)),
    readyAt: ifDefined(change.readyAt, toTime),
    uploadTouchedAt: ifDefined(change.touchedAt, toTime),
  });
}
