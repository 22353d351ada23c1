import type { Policy } from '../auth/policy.js';
import type { Caller } from '../auth/caller.js';
import type { RuleName } from '../auth/rules/table.js';
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
import { isLine } from '../image/property-names.js';
import { authorizedImage } from './access.js';
import type { Members } from './members.js';

/** Characters of a project's id. */
const MAX_PROJECT_ID = 255;

export interface MembersParts {
  readonly policy: Policy;
  readonly database: Database;
  readonly clock: Clock;
  readonly limits: { readonly maxMembers: number };
}

/** Members over the database; every change is one transaction. */
export function createMembers({ database, policy, clock, limits }: MembersParts): Members {
  const imageFor = (read: Reader, caller: Caller, rule: RuleName, id: string): Promise<Image> =>
    authorizedImage(policy, read, { caller, rule, id });

  /** A member is told nothing of the others. */
  const visibleTo =
    (caller: Caller, image: Image) =>
    ({ projectId: memberId }: ImageMember): boolean =>
      policy.mayOnImage(caller, 'get_member', { image, memberId });

  return {
    async list(caller, imageId) {
      const image = await imageFor(database.read, caller, 'get_members', imageId);
      assertShared(image);
      return (await database.read.members(imageId)).filter(visibleTo(caller, image));
    },

    async show(caller, imageId, projectId) {
      const image = await imageFor(database.read, caller, 'get_image', imageId);
      const member = await find(database.read, imageId, projectId);
      const isVisible = image.visibility === 'shared' && member !== undefined;
      if (!isVisible || !visibleTo(caller, image)(member)) throw notFound(imageId, projectId);
      return member;
    },

    add: (caller, imageId, projectId) =>
      database.write(async (tx) => {
        const image = await imageFor(tx, caller, 'add_member', imageId);
        assertShared(image);
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
        const image = await imageFor(tx, caller, 'get_image', imageId);
        assertShared(image);
        const member = await find(tx, imageId, projectId);
        if (member === undefined || !visibleTo(caller, image)(member)) {
          throw notFound(imageId, projectId);
        }
        policy.requireImage(caller, 'modify_member', imageId, { image, memberId: projectId });
        const updatedAt = clock.now();
        await tx.updateMember(imageId, projectId, { status }, updatedAt);
        return { ...member, status, updatedAt };
      }),

    remove: (caller, imageId, projectId) =>
      database.write(async (tx) => {
        const image = await imageFor(tx, caller, 'delete_member', imageId);
        assertShared(image);
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

function assertShared({ id, visibility }: Image): void {
  if (visibility === 'shared') return;
  throw new ForbiddenError({
    code: 'IMAGE_NOT_SHARED',
    message: `Image "${id}" is "${visibility}": only shared images have members`,
    hint: 'Its owner can set "visibility" to "shared"',
  });
}

function assertProjectId(projectId: string): void {
  if (projectId !== '' && projectId.length <= MAX_PROJECT_ID && isLine(projectId)) return;
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
