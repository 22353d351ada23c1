import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { ImageVolumeState } from '../../engine/image-volume.js';
import { DEFERRED, oneOf } from './constraints.js';
import { ImageRow } from './image-row.js';

@Entity('image_volumes')
@Check('chk_image_volumes_state', oneOf('state', ['pending', 'succeeded', 'failed']))
@Index('ix_image_volumes_image', ['imageId', 'projectId'])
@Index('ix_image_volumes_pending', ['projectId'], { where: `"state" = 'pending'` })
@Index('ix_image_volumes_finished', ['finishedAt'], { where: '"finished_at" IS NOT NULL' })
export class ImageVolumeRow {
  @PrimaryColumn({ type: 'text', name: 'id' })
  id!: string;

  @ForeignKey(() => ImageRow, { name: 'fk_image_volumes_image', deferrable: DEFERRED })
  @Column({ type: 'text', name: 'image_id' })
  imageId!: string;

  @Column({ type: 'text', name: 'project_id' })
  projectId!: string;

  @Column({ type: 'text', name: 'user_id', nullable: true })
  userId!: string | null;

  @Column({ type: 'text', name: 'store' })
  store!: string;

  @Column({ type: 'text', name: 'wish' })
  wish!: string;

  @Column({ type: 'text', name: 'state' })
  state!: ImageVolumeState;

  @Column({ type: 'text', name: 'made', nullable: true })
  made!: string | null;

  @Column({ type: 'text', name: 'failure', nullable: true })
  failure!: string | null;

  @Column({ type: 'bigint', name: 'created_at' })
  createdAt!: number;

  @Column({ type: 'bigint', name: 'finished_at', nullable: true })
  finishedAt!: number | null;
}
