import { assertCanAnswer, assertCanChangeImage, assertCanSeeImage } from '../auth/policy.js';
import type { Caller } from '../auth/caller.js';
import {
  CapacityError,
  ConflictError,
  ForbiddenError,
  InvalidInputError,
  NotFoundError,
} from '../base/errors.js';
import type { Clock } from '../base/clock.js';
import type { Database, Reader } from '../engine/ports.js';
import type { Image } from '../image/image.js';
import type { ImageMember } from '../image/member.js';
import { isText } from '../image/property-names.js';
import type { Members } from './members.js';

/** Characters of a project's id. */
const MAX_PROJECT_ID = 255;

export interface MembersParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly limits: { readonly maxMembers: number };
}

/** Members over the database; every change is one transaction. */
export function createMembers({ database, clock, limits }: MembersParts): Members {
  return {
    async list(caller, imageId) {
      const image = await database.read.image(imageId);
      assertCanSeeImage(caller, imageId, image);
      assertShared(image);
      return (await database.read.members(imageId)).filter(visibleTo(caller, image));
    },

    async show(caller, imageId, projectId) {
      const image = await database.read.image(imageId);
      assertCanSeeImage(caller, imageId, image);
      const member = await find(database.read, imageId, projectId);
      const isVisible = image.visibility === 'shared' && member !== undefined;
      if (!isVisible || !visibleTo(caller, image)(member)) throw notFound(imageId, projectId);
      return member;
    },

    add: (caller, imageId, projectId) =>
      database.write(async (tx) => {
        const image = await tx.image(imageId);
        assertCanSeeImage(caller, imageId, image);
        assertShared(image);
        assertCanChangeImage(caller, imageId, image);
        assertProjectId(projectId);
        assertFree(image, projectId);
        assertRoom(image, limits.maxMembers);
        const now = clock.now();
        const member: ImageMember = {
          imageId,
          projectId,
          status: 'pending',
          createdAt: now,
          updatedAt: now,
        };
        await tx.insertMember(member);
        return member;
      }),

    answer: (caller, imageId, projectId, status) =>
      database.write(async (tx) => {
        const image = await tx.image(imageId);
        assertCanSeeImage(caller, imageId, image);
        assertShared(image);
        const member = await find(tx, imageId, projectId);
        if (member === undefined || !visibleTo(caller, image)(member)) {
          throw notFound(imageId, projectId);
        }
        assertCanAnswer(caller, projectId);
        const updatedAt = clock.now();
        await tx.updateMember(imageId, projectId, { status }, updatedAt);
        return { ...member, status, updatedAt };
      }),

    remove: (caller, imageId, projectId) =>
      database.write(async (tx) => {
        const image = await tx.image(imageId);
        assertCanSeeImage(caller, imageId, image);
        assertShared(image);
        assertCanChangeImage(caller, imageId, image);
        if (!image.memberIds.includes(projectId)) throw notFound(imageId, projectId);
        await tx.deleteMember(imageId, projectId);
      }),
  };
}

async function find(
  read: Reader,
  imageId: string,
  projectId: string,
): Promise<ImageMember | undefined> {
  return (await read.members(imageId)).find((member) => member.projectId === projectId);
}

/** The owner sees all members, a member only itself. */
function visibleTo(caller: Caller, image: Image): (member: ImageMember) => boolean {
  const all = caller.isAdmin || (caller.projectId !== null && image.owner === caller.projectId);
  return ({ projectId }) => all || projectId === caller.projectId;
}

function assertShared({ id, visibility }: Image): void {
  if (visibility === 'shared') return;
  throw new ForbiddenError({
    code: 'IMAGE_NOT_SHARED',
    message: `Image "${id}" is "${visibility}": only shared images have members`,
    hint: 'Its owner can set "visibility" to "shared"',
  });
}

function assertProjectId(projectId: string): void {
  if (projectId !== '' && projectId.length <= MAX_PROJECT_ID && isText(projectId)) return;
  throw new InvalidInputError({
    code: 'MEMBER_INVALID',
    message: `"${projectId.slice(0, 40)}" cannot be the id of a project`,
    hint: `Use 1 to ${MAX_PROJECT_ID} characters`,
  });
}

function assertFree(image: Image, projectId: string): void {
  if (!image.memberIds.includes(projectId)) return;
  throw new ConflictError({
    code: 'MEMBER_EXISTS',
    message: `Image "${image.id}" is shared with "${projectId}" already`,
    hint: 'The project can answer with "PUT …/members/{project}"',
  });
}

function assertRoom(image: Image, max: number): void {
  if (image.memberIds.length < max) return;
  throw new CapacityError({
    code: 'MEMBERS_EXCEEDED',
    message: `Image "${image.id}" is shared with ${image.memberIds.length} projects; ${max} are allowed`,
    hint: 'Remove members that are not needed, or raise "images.max_members"',
  });
}

function notFound(imageId: string, projectId: string): NotFoundError {
  return new NotFoundError({
    code: 'MEMBER_NOT_FOUND',
    message: `Image "${imageId}" is not shared with "${projectId.slice(0, 64)}"`,
    hint: 'List the members of the image',
  });
}
