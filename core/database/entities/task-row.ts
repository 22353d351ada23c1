import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { TASK_STATES } from '../../engine/import.js';
import type { TaskState } from '../../engine/import.js';
import { oneOf } from './constraints.js';
import { ImportRow } from './import-row.js';

@Entity('tasks')
@Check('chk_tasks_state', oneOf('state', TASK_STATES))
export class TaskRow {
  @ForeignKey(() => ImportRow, { name: 'fk_tasks_import', onDelete: 'CASCADE' })
  @PrimaryColumn({ type: 'text', name: 'import_id' })
  importId!: string;

  @PrimaryColumn({ type: 'integer', name: 'position' })
  position!: number;

  @Column({ type: 'text', name: 'entry' })
  entry!: string;

  @Column({ type: 'text', name: 'plugin' })
  plugin!: string;

  @Column({ type: 'text', name: 'store', nullable: true })
  store!: string | null;

  @Column({ type: 'text', name: 'state' })
  state!: TaskState;

  @Column({ type: 'integer', name: 'attempt' })
  attempt!: number;

  @Column({ type: 'integer', name: 'retries' })
  retries!: number;

  @Column({ type: 'integer', name: 'counted_from', default: 0 })
  countedFrom!: number;

  @Column({ type: 'bigint', name: 'reached', default: 0 })
  reached!: number;

  @Column({ type: 'text', name: 'checkpoint', nullable: true })
  checkpoint!: string | null;

  @Column({ type: 'text', name: 'draft', nullable: true })
  draft!: string | null;

  @Column({ type: 'text', name: 'output', nullable: true })
  output!: string | null;

  @Column({ type: 'bigint', name: 'virtual_size', nullable: true })
  virtualSize!: number | null;

  @Column({ type: 'bigint', name: 'size', nullable: true })
  size!: number | null;

  @Column({ type: 'text', name: 'reason', nullable: true })
  reason!: string | null;

  @Column({ type: 'text', name: 'failure', nullable: true })
  failure!: string | null;

  /** Of a unit that the plugin chooses: may have a fraction. */
  @Column({ type: 'double', name: 'progress_done', nullable: true })
  progressDone!: number | null;

  @Column({ type: 'double', name: 'progress_total', nullable: true })
  progressTotal!: number | null;

  @Column({ type: 'bigint', name: 'retry_at', nullable: true })
  retryAt!: number | null;

  @Column({ type: 'bigint', name: 'started_at', nullable: true })
  startedAt!: number | null;

  @Column({ type: 'bigint', name: 'finished_at', nullable: true })
  finishedAt!: number | null;
}
