import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { GenerationState } from '../../staging/generation.js';
import { DEFERRED, oneOf } from './constraints.js';
import { ImageRow } from './image-row.js';
import { ImportRow } from './import-row.js';

/** Its row is the only owner of a file, so no deletion elsewhere may take it along. */
@Entity('generations')
@Check('chk_generations_state', oneOf('state', ['writing', 'ready', 'releasing']))
@Index('uq_generations_file', ['file'], { unique: true })
@Index('ix_generations_image', ['imageId'])
@Index('ix_generations_import', ['importId'])
@Index('ix_generations_state', ['state', 'readyAt'])
export class GenerationRow {
  @PrimaryColumn({ type: 'text', name: 'id' })
  id!: string;

  @ForeignKey(() => ImageRow, { name: 'fk_generations_image', deferrable: DEFERRED })
  @Column({ type: 'text', name: 'image_id' })
  imageId!: string;

  @ForeignKey(() => ImportRow, {
    name: 'fk_generations_import',
    onDelete: 'SET NULL',
    deferrable: DEFERRED,
  })
  @Column({ type: 'text', name: 'import_id', nullable: true })
  importId!: string | null;

  @Column({ type: 'integer', name: 'number' })
  number!: number;

  @Column({ type: 'integer', name: 'position', nullable: true })
  position!: number | null;

  @Column({ type: 'text', name: 'file' })
  file!: string;

  @Column({ type: 'text', name: 'state' })
  state!: GenerationState;

  @Column({ type: 'bigint', name: 'epoch' })
  epoch!: number;

  @Column({ type: 'bigint', name: 'durable' })
  durable!: number;

  @Column({ type: 'text', name: 'validator', nullable: true })
  validator!: string | null;

  @Column({ type: 'bigint', name: 'size', nullable: true })
  size!: number | null;

  @Column({ type: 'bigint', name: 'allocated_size', nullable: true })
  allocatedSize!: number | null;

  @Column({ type: 'text', name: 'digests', nullable: true })
  digests!: string | null;

  @Column({ type: 'text', name: 'inspection', nullable: true })
  inspection!: string | null;

  @Column({ type: 'bigint', name: 'created_at' })
  createdAt!: number;

  @Column({ type: 'bigint', name: 'ready_at', nullable: true })
  readyAt!: number | null;

  @Column({ type: 'bigint', name: 'upload_length', nullable: true })
  uploadLength!: number | null;

  @Column({ type: 'text', name: 'upload_metadata', nullable: true })
  uploadMetadata!: string | null;

  @Column({ type: 'bigint', name: 'upload_touched_at', nullable: true })
  uploadTouchedAt!: number | null;
}
