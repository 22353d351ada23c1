import { z } from 'zod';
import { MEMBER_STATUSES } from '../../image/member.js';
import type { ImageMember } from '../../image/member.js';
import { presentTime } from './time.js';
import { PATH, TIME, UUID } from './wire-types.js';

export const MEMBER = z.strictObject({
  member_id: z.string(),
  image_id: UUID,
  status: z.enum(MEMBER_STATUSES),
  created_at: TIME,
  updated_at: TIME,
  schema: PATH,
});

export const MEMBERS = z.strictObject({ members: z.array(MEMBER), schema: PATH });

export function presentMember(member: ImageMember): z.output<typeof MEMBER> {
  return {
    member_id: member.projectId,
    image_id: member.imageId,
    status: member.status,
    created_at: presentTime(member.createdAt),
    updated_at: presentTime(member.updatedAt),
    schema: '/v2/schemas/member',
  };
}
