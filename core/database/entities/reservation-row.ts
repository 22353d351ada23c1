import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { Reservation } from '../../staging/generation.js';
import { DEFERRED, oneOf } from './constraints.js';
import { GenerationRow } from './generation-row.js';
import { ImageRow } from './image-row.js';
import { ImportRow } from './import-row.js';

@Entity('reservations')
@Check('chk_reservations_purpose', oneOf('purpose', ['data', 'workspace']))
@Check('chk_reservations_bytes', '"bytes" >= 0')
@Index('ix_reservations_import', ['importId'])
@Index('ix_reservations_generation', ['generationId'])
export class ReservationRow {
  @PrimaryColumn({ type: 'text', name: 'id' })
  id!: string;

  @Column({ type: 'text', name: 'purpose' })
  purpose!: Reservation['purpose'];

  @ForeignKey(() => ImageRow, { name: 'fk_reservations_image', deferrable: DEFERRED })
  @Column({ type: 'text', name: 'image_id' })
  imageId!: string;

  @ForeignKey(() => ImportRow, {
    name: 'fk_reservations_import',
    onDelete: 'SET NULL',
    deferrable: DEFERRED,
  })
  @Column({ type: 'text', name: 'import_id', nullable: true })
  importId!: string | null;

  @ForeignKey(() => GenerationRow, {
    name: 'fk_reservations_generation',
    onDelete: 'CASCADE',
    deferrable: DEFERRED,
  })
  @Column({ type: 'text', name: 'generation_id', nullable: true })
  generationId!: string | null;

  @Column({ type: 'bigint', name: 'bytes' })
  bytes!: number;

  @Column({ type: 'bigint', name: 'need', nullable: true })
  need!: number | null;
}
