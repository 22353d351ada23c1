import { Stores, defineMethod, z } from '../../core/api.js';
import type { DataSource, JsonObject, MethodContext, MethodSource } from '../../core/api.js';
import { cinderStore } from './cinder-stores.js';

const Params = z
  .strictObject({
    volume_id: z.guid().optional(),
    snapshot_id: z.guid().optional(),
    store: z.string().min(1).optional(),
  })
  .refine(
    ({ volume_id, snapshot_id }) => (volume_id === undefined) !== (snapshot_id === undefined),
    'must name either volume_id or snapshot_id',
  );

/** Makes the image of a volume or of a snapshot: by a clone where that is possible, by its bytes otherwise. */
class VolumeOrigin implements MethodSource {
  constructor(private readonly stores: Stores) {}

  check(params: JsonObject): Promise<void> {
    return new Promise((resolve) => {
      cinderStore(this.stores, Params.parse(params).store);
      resolve();
    });
  }

  source({ params }: MethodContext): Promise<DataSource> {
    const { store, volume_id, snapshot_id } = Params.parse(params);
    const origin: JsonObject =
      volume_id === undefined ? { snapshot_id: snapshot_id ?? '' } : { volume_id };
    return Promise.resolve({ kind: 'clone', store: cinderStore(this.stores, store), origin });
  }
}

export const cinderClone = defineMethod({
  name: 'cinder-clone',
  description: 'Make the image of a volume or of a snapshot of one',
  params: Params,
  from: ['queued'],
  data: 'new',
  source: VolumeOrigin,
  inject: [Stores],
});
