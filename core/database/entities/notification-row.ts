import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** What is still to be told; it speaks of rows that may be gone. */
@Entity('notifications')
export class NotificationRow {
  // AUTOINCREMENT: a number whose row was deleted does not come again.
  @PrimaryGeneratedColumn({ type: 'integer', name: 'sequence' })
  sequence!: number;

  @Column({ type: 'text', name: 'id' })
  id!: string;

  @Column({ type: 'bigint', name: 'at' })
  at!: number;

  @Column({ type: 'text', name: 'type' })
  type!: string;

  @Column({ type: 'text', name: 'payload' })
  payload!: string;
}
