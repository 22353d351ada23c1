import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('plugin_states', { withoutRowid: true })
export class PluginStateRow {
  @PrimaryColumn({ type: 'text', name: 'plugin' })
  plugin!: string;

  @PrimaryColumn({ type: 'text', name: 'key' })
  key!: string;

  @Column({ type: 'text', name: 'value' })
  value!: string;
}
