import { defineMethod, z } from '../../core/api.js';
import type { DataSource, MethodSource } from '../../core/api.js';

class StagedBytes implements MethodSource {
  source(): Promise<DataSource> {
    return Promise.resolve({ kind: 'staged' });
  }
}

/** Imports what the client has sent to `PUT …/stage` before. */
export const glanceDirect = defineMethod({
  name: 'glance-direct',
  description: 'Import the bytes that were sent to /v2/images/{id}/stage',
  params: z.strictObject({}),
  from: ['uploading'],
  data: 'new',
  source: StagedBytes,
});
