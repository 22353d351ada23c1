import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { DEFERRED } from './constraints.js';
import { GenerationRow } from './generation-row.js';

@Entity('observations')
export class ObservationRow {
  @ForeignKey(() => GenerationRow, {
    name: 'fk_observations_generation',
    onDelete: 'CASCADE',
    deferrable: DEFERRED,
  })
  @PrimaryColumn({ type: 'text', name: 'generation_id' })
  generationId!: string;

  @PrimaryColumn({ type: 'text', name: 'observer' })
  observer!: string;

  @Column({ type: 'text', name: 'result' })
  result!: string;
}
