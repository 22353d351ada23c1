import type { JsonObject } from '../../base/json.js';
import type { ImageMember } from '../../image/member.js';
import { presentTime } from './time.js';

export function presentMember(member: ImageMember): JsonObject {
  return {
    member_id: member.projectId,
    image_id: member.imageId,
    status: member.status,
    created_at: presentTime(member.createdAt),
    updated_at: presentTime(member.updatedAt),
    schema: '/v2/schemas/member',
  };
}
