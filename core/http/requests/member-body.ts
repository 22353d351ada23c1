import { z } from 'zod';
import { MEMBER_STATUSES } from '../../image/member.js';

/** The body of `POST /v2/images/{id}/members` (API-60). */
export const NEW_MEMBER = z.looseObject({ member: z.string() });

/** The body of `PUT /v2/images/{id}/members/{member}` (API-62). */
export const MEMBER_ANSWER = z.looseObject({ status: z.enum(MEMBER_STATUSES) });
