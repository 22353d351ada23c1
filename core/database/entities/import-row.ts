import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { IMPORT_STATES } from '../../engine/import.js';
import type { ImportRecord, ImportState } from '../../engine/import.js';
import { DEFERRED, oneOf } from './constraints.js';
import { ImageRow } from './image-row.js';

@Entity('imports')
@Check('chk_imports_state', oneOf('state', IMPORT_STATES))
@Check('chk_imports_data', oneOf('data', ['new', 'existing', 'none']))
@Check('chk_imports_cancel', oneOf('cancel', ['user', 'deleted']))
@Index('uq_imports_live', ['imageId'], {
  unique: true,
  where: `"state" IN ('pending', 'running', 'reverting')`,
})
@Index('uq_imports_idempotency_key', ['imageId', 'idempotencyKey'], { unique: true })
@Index('ix_imports_image', ['imageId', 'createdAt', 'id'])
@Index('ix_imports_created', ['createdAt', 'id'])
@Index('ix_imports_state', ['state', 'createdAt', 'id'])
@Index('ix_imports_finished', ['finishedAt'], { where: '"finished_at" IS NOT NULL' })
export class ImportRow {
  @PrimaryColumn({ type: 'text', name: 'id' })
  id!: string;

  @ForeignKey(() => ImageRow, { name: 'fk_imports_image', deferrable: DEFERRED })
  @Column({ type: 'text', name: 'image_id' })
  imageId!: string;

  @Column({ type: 'text', name: 'method' })
  method!: string;

  /** JSON, as is every other `text` column whose mapper says so. */
  @Column({ type: 'text', name: 'params' })
  params!: string;

  @Column({ type: 'text', name: 'stores' })
  stores!: string;

  @Column({ type: 'boolean', name: 'all_stores_must_succeed' })
  allStoresMustSucceed!: boolean;

  @Column({ type: 'text', name: 'data' })
  data!: ImportRecord['data'];

  @Column({ type: 'text', name: 'state' })
  state!: ImportState;

  @Column({ type: 'bigint', name: 'epoch' })
  epoch!: number;

  @Column({ type: 'text', name: 'caller' })
  caller!: string;

  @Column({ type: 'text', name: 'request_id' })
  requestId!: string;

  @Column({ type: 'text', name: 'flow' })
  flow!: string;

  @Column({ type: 'text', name: 'user_patched' })
  userPatched!: string;

  @Column({ type: 'text', name: 'expected_digest', nullable: true })
  expectedDigest!: string | null;

  @Column({ type: 'text', name: 'idempotency_key', nullable: true })
  idempotencyKey!: string | null;

  @Column({ type: 'text', name: 'cancel', nullable: true })
  cancel!: ImportRecord['cancel'];

  @Column({ type: 'text', name: 'failure', nullable: true })
  failure!: string | null;

  @Column({ type: 'bigint', name: 'created_at' })
  createdAt!: number;

  @Column({ type: 'bigint', name: 'started_at', nullable: true })
  startedAt!: number | null;

  @Column({ type: 'bigint', name: 'finished_at', nullable: true })
  finishedAt!: number | null;
}
