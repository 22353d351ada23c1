import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { DEFERRED } from './constraints.js';
import { ImportRow } from './import-row.js';

@Entity('import_events')
export class EventRow {
  @ForeignKey(() => ImportRow, {
    name: 'fk_import_events_import',
    onDelete: 'CASCADE',
    deferrable: DEFERRED,
  })
  @PrimaryColumn({ type: 'text', name: 'import_id' })
  importId!: string;

  @PrimaryColumn({ type: 'integer', name: 'sequence' })
  sequence!: number;

  @Column({ type: 'bigint', name: 'at' })
  at!: number;

  @Column({ type: 'text', name: 'type' })
  type!: string;

  @Column({ type: 'text', name: 'data' })
  data!: string;
}
