import { Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { ImageRow } from './image-row.js';

@Entity('image_tags', { withoutRowid: true })
@Index('ix_image_tags_tag', ['tag', 'imageId'])
export class ImageTagRow {
  @ForeignKey(() => ImageRow, { name: 'fk_image_tags_image', onDelete: 'CASCADE' })
  @PrimaryColumn({ type: 'text', name: 'image_id' })
  imageId!: string;

  @PrimaryColumn({ type: 'text', name: 'tag' })
  tag!: string;
}
