import { ForbiddenError, NotFoundError } from '../base/errors.js';
import type { ImportRecord } from '../engine/import.js';
import type { Image, Visibility } from '../image/image.js';
import type { Caller } from './caller.js';

/**
 * Who may do what, in one place. Two rules everywhere: what a caller may not see does not exist for
 * them (404), and what they see but may not change is refused (403).
 */

type OwnedImage = Pick<Image, 'id' | 'owner' | 'visibility' | 'memberIds'>;

/**
 * Public and community images are readable by everybody, shared ones by their members whatever these
 * have answered, others by their project and admins.
 */
export function canSeeImage(caller: Caller, image: OwnedImage): boolean {
  if (caller.isAdmin || isOwner(caller, image)) return true;
  if (image.visibility === 'shared') return isMember(caller, image);
  return image.visibility === 'public' || image.visibility === 'community';
}

/**
 * @throws {NotFoundError} `IMAGE_NOT_FOUND` when there is none, or none that the caller may see.
 */
export function assertCanSeeImage(
  caller: Caller,
  id: string,
  image: Image | undefined,
): asserts image is Image {
  if (image !== undefined && canSeeImage(caller, image)) return;
  throw imageNotFound(id);
}

/**
 * Changing, deleting, uploading and importing are for the owning project and admins.
 * @throws {NotFoundError} `IMAGE_NOT_FOUND` as {@link assertCanSeeImage}
 * @throws {ForbiddenError} `IMAGE_NOT_YOURS` · `READ_ONLY_CALLER`
 */
export function assertCanChangeImage(
  caller: Caller,
  id: string,
  image: Image | undefined,
): asserts image is Image {
  assertCanSeeImage(caller, id, image);
  assertCanWrite(caller);
  if (caller.isAdmin || isOwner(caller, image)) return;
  throw new ForbiddenError({
    code: 'IMAGE_NOT_YOURS',
    message: `Image "${id}" belongs to another project`,
    hint: 'Ask the owning project or an administrator',
  });
}

/**
 * Callers whose only role is `reader` change nothing. A member has `reader` beside `member`.
 * @throws {ForbiddenError} `READ_ONLY_CALLER`
 */
export function assertCanWrite(caller: Caller): void {
  if (caller.isAdmin || !caller.roles.includes('reader')) return;
  if (caller.roles.some((role) => role === 'member' || role === 'manager')) return;
  throw new ForbiddenError({
    code: 'READ_ONLY_CALLER',
    message: 'The role "reader" may only read',
    hint: 'Ask for the role "member" in the project',
  });
}

/**
 * Whether a project takes an image that is shared with it is its own decision.
 * @throws {ForbiddenError} `MEMBER_NOT_YOU` · `READ_ONLY_CALLER`
 */
export function assertCanAnswer(caller: Caller, projectId: string): void {
  assertCanWrite(caller);
  if (caller.isAdmin || caller.projectId === projectId) return;
  throw new ForbiddenError({
    code: 'MEMBER_NOT_YOU',
    message: `Only the project "${projectId}" itself may accept or reject the image`,
    hint: 'Ask the project, or remove it from the members',
  });
}

/**
 * Offering an image to everybody is for admins.
 * @throws {ForbiddenError} `PUBLICIZE_FORBIDDEN`
 */
export function assertCanSetVisibility(caller: Caller, visibility: Visibility): void {
  if (visibility !== 'public' || caller.isAdmin) return;
  throw new ForbiddenError({
    code: 'PUBLICIZE_FORBIDDEN',
    message: 'Only an administrator may make an image public',
    hint: 'Use the visibility "community" or "shared"',
  });
}

/**
 * Giving an image to another project is for admins.
 * @throws {ForbiddenError} `OWNER_FORBIDDEN`
 */
export function assertCanSetOwner(caller: Caller, owner: string | null): void {
  if (caller.isAdmin || (owner !== null && owner === caller.projectId)) return;
  throw new ForbiddenError({
    code: 'OWNER_FORBIDDEN',
    message: 'Only an administrator may set the owner of an image',
    hint: 'Leave out "owner": the image will belong to your project',
  });
}

/**
 * The bytes of a deactivated image are for admins, who examine it.
 * @throws {ForbiddenError} `IMAGE_DEACTIVATED`
 */
export function assertCanDownload(caller: Caller, image: Image): void {
  if (image.status !== 'deactivated' || caller.isAdmin) return;
  throw new ForbiddenError({
    code: 'IMAGE_DEACTIVATED',
    message: `Image "${image.id}" is deactivated`,
    hint: 'Its owner can reactivate it',
  });
}

/**
 * Imports are for the project that owns the image and for admins; those of an image whose record is
 * gone, for the project that has started them.
 * @param image the image of the import, also when it is deleted
 * @throws {NotFoundError} `IMPORT_NOT_FOUND`
 */
export function assertCanSeeImport(
  caller: Caller,
  id: string,
  record: ImportRecord | undefined,
  image: Image | undefined,
): asserts record is ImportRecord {
  if (record !== undefined && canSeeImport(caller, record, image)) return;
  throw new NotFoundError({
    code: 'IMPORT_NOT_FOUND',
    message: `No import "${id}" was found`,
    hint: 'Finished imports are kept for a limited time; list those that there are',
  });
}

/** @throws {ForbiddenError} `ADMIN_ONLY` */
export function assertAdmin(caller: Caller): void {
  if (caller.isAdmin) return;
  throw new ForbiddenError({
    code: 'ADMIN_ONLY',
    message: 'Only an administrator may do this',
    hint: 'Ask an administrator',
  });
}

/** What is said of an image that does not exist for the caller, for whatever reason. */
export function imageNotFound(id: string): NotFoundError {
  return new NotFoundError({
    code: 'IMAGE_NOT_FOUND',
    message: `No image "${id}" was found`,
    hint: 'List the images that you can see',
  });
}

function canSeeImport(caller: Caller, record: ImportRecord, image: Image | undefined): boolean {
  if (caller.isAdmin) return true;
  if (image !== undefined) return isOwner(caller, image);
  return caller.projectId !== null && record.caller.projectId === caller.projectId;
}

function isOwner(caller: Caller, image: Pick<Image, 'owner'>): boolean {
  return caller.projectId !== null && image.owner === caller.projectId;
}

function isMember(caller: Caller, image: Pick<Image, 'memberIds'>): boolean {
  return caller.projectId !== null && image.memberIds.includes(caller.projectId);
}
