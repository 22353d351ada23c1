import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** One life of a worker. Numbers only grow, even where rows have been deleted. */
@Entity('worker_epochs')
export class EpochRow {
  @PrimaryGeneratedColumn('increment', { type: 'integer', name: 'epoch' })
  epoch!: number;

  @Column({ type: 'bigint', name: 'started_at' })
  startedAt!: number;

  @Column({ type: 'integer', name: 'pid' })
  pid!: number;

  @Column({ type: 'text', name: 'host' })
  host!: string;
}
