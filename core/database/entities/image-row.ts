import { Check, Column, Entity, Index, PrimaryColumn, VirtualColumn } from 'typeorm';
import {
  CONTAINER_FORMATS,
  DISK_FORMATS,
  IMAGE_STATUSES,
  VISIBILITIES,
} from '../../image/image.js';
import type { ContainerFormat, DiskFormat, ImageStatus, Visibility } from '../../image/image.js';
import { oneOf } from './constraints.js';

/** Lists have no tombstones. */
const LISTABLE = '"deleted_at" IS NULL';

/**
 * An image, or the tombstone of one: `deletedAt` is set and the properties, tags and members are gone. Times
 * are milliseconds since 1970 UTC, here and in every other row.
 */
@Entity('images')
@Check('chk_images_status', oneOf('status', IMAGE_STATUSES))
@Check('chk_images_visibility', oneOf('visibility', VISIBILITIES))
@Check('chk_images_disk_format', oneOf('disk_format', DISK_FORMATS))
@Check('chk_images_container_format', oneOf('container_format', CONTAINER_FORMATS))
@Check('chk_images_deleted', `("status" = 'deleted') = ("deleted_at" IS NOT NULL)`)
@Index('ix_images_created', ['createdAt', 'id'], { where: LISTABLE })
@Index('ix_images_owner', ['owner', 'createdAt', 'id'], { where: LISTABLE })
@Index('ix_images_visibility', ['visibility', 'createdAt', 'id'], { where: LISTABLE })
@Index('ix_images_name', ['name', 'createdAt', 'id'], { where: LISTABLE })
@Index('ix_images_status', ['status', 'createdAt', 'id'], { where: LISTABLE })
@Index('ix_images_disk_format', ['diskFormat', 'createdAt', 'id'], { where: LISTABLE })
@Index('ix_images_size', ['size', 'createdAt', 'id'], { where: LISTABLE })
@Index('ix_images_hidden', ['osHidden', 'createdAt', 'id'], { where: LISTABLE })
@Index('ix_images_undigested', ['id'], {
  where: `"status" = 'active' AND "os_hash_value" IS NULL AND "size" > 0`,
})
@Index('ix_images_updated', ['updatedAt', 'createdAt', 'id'], { where: LISTABLE })
export class ImageRow {
  @PrimaryColumn({ type: 'text', name: 'id' })
  id!: string;

  @Column({ type: 'text', name: 'name', nullable: true })
  name!: string | null;

  @Column({ type: 'text', name: 'status' })
  status!: ImageStatus;

  @Column({ type: 'text', name: 'visibility' })
  visibility!: Visibility;

  @Column({ type: 'text', name: 'owner', nullable: true })
  owner!: string | null;

  @Column({ type: 'text', name: 'disk_format', nullable: true })
  diskFormat!: DiskFormat | null;

  @Column({ type: 'text', name: 'container_format', nullable: true })
  containerFormat!: ContainerFormat | null;

  @Column({ type: 'bigint', name: 'size', nullable: true })
  size!: number | null;

  @Column({ type: 'bigint', name: 'virtual_size', nullable: true })
  virtualSize!: number | null;

  @Column({ type: 'text', name: 'checksum', nullable: true })
  checksum!: string | null;

  @Column({ type: 'text', name: 'os_hash_algo', nullable: true })
  osHashAlgo!: string | null;

  @Column({ type: 'text', name: 'os_hash_value', nullable: true })
  osHashValue!: string | null;

  @Column({ type: 'bigint', name: 'min_disk' })
  minDisk!: number;

  @Column({ type: 'bigint', name: 'min_ram' })
  minRam!: number;

  @Column({ type: 'boolean', name: 'protected' })
  protected!: boolean;

  @Column({ type: 'boolean', name: 'os_hidden' })
  osHidden!: boolean;

  @Column({ type: 'bigint', name: 'created_at' })
  createdAt!: number;

  @Column({ type: 'bigint', name: 'updated_at' })
  updatedAt!: number;

  @Column({ type: 'bigint', name: 'deleted_at', nullable: true })
  deletedAt!: number | null;

  // Read in the same statement as the rest: two statements could see two different commits.
  @VirtualColumn({
    type: 'text',
    query: (image) =>
      `SELECT json_group_object("name", "value") FROM "image_properties" WHERE "image_id" = ${image}."id"`,
  })
  readonly propertiesJson!: string;

  @VirtualColumn({
    type: 'text',
    query: (image) =>
      `SELECT json_group_array("tag" ORDER BY "tag") FROM "image_tags" WHERE "image_id" = ${image}."id"`,
  })
  readonly tagsJson!: string;

  @VirtualColumn({
    type: 'text',
    query: (image) =>
      `SELECT json_group_array("project_id" ORDER BY "project_id") FROM "image_members" WHERE "image_id" = ${image}."id"`,
  })
  readonly memberIdsJson!: string;
}
