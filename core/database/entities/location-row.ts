import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { LocationState } from '../../store/location.js';
import { DEFERRED, oneOf } from './constraints.js';
import { ImageRow } from './image-row.js';
import { ImportRow } from './import-row.js';

@Entity('locations')
@Check('chk_locations_state', oneOf('state', ['pending', 'placed', 'active', 'deleting']))
@Index('uq_locations_image_store', ['imageId', 'store'], {
  unique: true,
  where: `"state" <> 'deleting'`,
})
@Index('uq_locations_object', ['store', 'objectName'], { unique: true })
@Index('ix_locations_image', ['imageId', 'state'])
@Index('ix_locations_import', ['importId'])
@Index('ix_locations_state', ['state'])
export class LocationRow {
  @PrimaryColumn({ type: 'text', name: 'id' })
  id!: string;

  @ForeignKey(() => ImageRow, { name: 'fk_locations_image', deferrable: DEFERRED })
  @Column({ type: 'text', name: 'image_id' })
  imageId!: string;

  @Column({ type: 'text', name: 'store' })
  store!: string;

  @Column({ type: 'text', name: 'object_name' })
  objectName!: string;

  @Column({ type: 'text', name: 'url', nullable: true })
  url!: string | null;

  @Column({ type: 'text', name: 'state' })
  state!: LocationState;

  @ForeignKey(() => ImportRow, {
    name: 'fk_locations_import',
    onDelete: 'SET NULL',
    deferrable: DEFERRED,
  })
  @Column({ type: 'text', name: 'import_id', nullable: true })
  importId!: string | null;

  @Column({ type: 'bigint', name: 'epoch' })
  epoch!: number;

  @Column({ type: 'text', name: 'metadata' })
  metadata!: string;

  /** No foreign key: it goes on to name the generation when that is gone. */
  @Column({ type: 'text', name: 'linked_generation', nullable: true })
  linkedGeneration!: string | null;

  @Column({ type: 'bigint', name: 'created_at' })
  createdAt!: number;
}
