import type { JsonObject } from '../../base/json.js';
import { taskStatusOf, taskTypeOf } from '../../engine/api-task.js';
import type { ImportRecord, ImportState } from '../../engine/import.js';
import type { SentImage } from '../../engine/ports.js';
import type { Image, ImageStatus } from '../../image/image.js';
import type { ImageMember } from '../../image/member.js';

/**
 * Types and payloads as Glance 25.1 has them (`glance/notifier.py`: format_image_notification,
 * format_image_member_notification, format_task_notification, _format_image_send), without where bytes
 * are.
 */

/** What a change of status is called; none: nothing that others are told of. */
export function typesOfStatus(from: ImageStatus, to: ImageStatus): readonly string[] {
  if (to === 'active' && from === 'deactivated') return ['image.reactivate'];
  return TYPES_OF_STATUS[to] ?? [];
}

const TYPES_OF_STATUS: Readonly<Partial<Record<ImageStatus, readonly string[]>>> = {
  saving: ['image.prepare'],
  importing: ['image.prepare'],
  active: ['image.upload', 'image.activate'],
  deactivated: ['image.deactivate'],
  deleted: ['image.delete'],
};

/** What a move of an import is called. */
export const TYPE_OF_IMPORT_STATE: Readonly<Partial<Record<ImportState, string>>> = {
  running: 'task.processing',
  succeeded: 'task.success',
  failed: 'task.failure',
  cancelled: 'task.failure',
  revert_failed: 'task.failure',
};

export function imagePayload(image: Image, deletedAt: Date | undefined): JsonObject {
  return {
    id: image.id,
    name: image.name,
    status: image.status,
    visibility: image.visibility,
    owner: image.owner,
    disk_format: image.diskFormat,
    container_format: image.containerFormat,
    size: image.size,
    virtual_size: image.virtualSize,
    checksum: image.checksum,
    os_hash_algo: image.osHashAlgo,
    os_hash_value: image.osHashValue,
    min_disk: image.minDisk,
    min_ram: image.minRam,
    protected: image.protected,
    os_hidden: image.osHidden,
    tags: image.tags,
    properties: image.properties,
    created_at: image.createdAt.toISOString(),
    updated_at: image.updatedAt.toISOString(),
    deleted: deletedAt !== undefined,
    deleted_at: deletedAt?.toISOString() ?? null,
  };
}

export function memberPayload(member: ImageMember, deletedAt: Date | undefined): JsonObject {
  return {
    image_id: member.imageId,
    member_id: member.projectId,
    status: member.status,
    created_at: member.createdAt.toISOString(),
    updated_at: member.updatedAt.toISOString(),
    deleted: deletedAt !== undefined,
    deleted_at: deletedAt?.toISOString() ?? null,
  };
}

export function sentPayload({ image, bytes, receiver }: SentImage): JsonObject {
  return {
    image_id: image.id,
    owner_id: image.owner,
    bytes_sent: bytes,
    receiver_user_id: receiver.userId,
    receiver_tenant_id: receiver.projectId,
  };
}

export function taskPayload(record: ImportRecord): JsonObject {
  return {
    id: record.id,
    type: taskTypeOf(record),
    status: taskStatusOf(record),
    image_id: record.imageId,
    import_method: record.method,
    owner: record.caller.projectId,
    user_id: record.caller.userId,
    request_id: record.requestId,
    created_at: record.createdAt.toISOString(),
    started_at: record.startedAt?.toISOString() ?? null,
    finished_at: record.finishedAt?.toISOString() ?? null,
    message: record.failure?.message ?? '',
  };
}
