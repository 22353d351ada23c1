import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { MEMBER_STATUSES } from '../../image/member.js';
import type { MemberStatus } from '../../image/member.js';
import { oneOf } from './constraints.js';
import { ImageRow } from './image-row.js';

@Entity('image_members', { withoutRowid: true })
@Check('chk_image_members_status', oneOf('status', MEMBER_STATUSES))
@Index('ix_image_members_project', ['projectId', 'status', 'imageId'])
export class ImageMemberRow {
  @ForeignKey(() => ImageRow, { name: 'fk_image_members_image', onDelete: 'CASCADE' })
  @PrimaryColumn({ type: 'text', name: 'image_id' })
  imageId!: string;

  @PrimaryColumn({ type: 'text', name: 'project_id' })
  projectId!: string;

  @Column({ type: 'text', name: 'status' })
  status!: MemberStatus;

  @Column({ type: 'bigint', name: 'created_at' })
  createdAt!: number;

  @Column({ type: 'bigint', name: 'updated_at' })
  updatedAt!: number;
}
