import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { ImageRow } from './image-row.js';

@Entity('image_properties', { withoutRowid: true })
@Index('ix_image_properties_value', ['name', 'value', 'imageId'])
export class ImagePropertyRow {
  @ForeignKey(() => ImageRow, { name: 'fk_image_properties_image', onDelete: 'CASCADE' })
  @PrimaryColumn({ type: 'text', name: 'image_id' })
  imageId!: string;

  @PrimaryColumn({ type: 'text', name: 'name' })
  name!: string;

  @Column({ type: 'text', name: 'value' })
  value!: string;
}
