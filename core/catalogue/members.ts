import type { Caller } from '../auth/caller.js';
import type { ImageMember, MemberStatus } from '../image/member.js';

/**
 * Sharing images with other projects. The owner offers, the project that it is offered to answers;
 * what it accepts is in its lists. Only `shared` images have members.
 */
export interface Members {
  /**
   * A member sees its own entry alone.
   * @throws {NotFoundError} `IMAGE_NOT_FOUND`
   * @throws {ForbiddenError} `IMAGE_NOT_SHARED` · `POLICY_DENIED`
   */
  list(caller: Caller, imageId: string): Promise<readonly ImageMember[]>;
  /**
   * @throws {NotFoundError} `IMAGE_NOT_FOUND` · `MEMBER_NOT_FOUND`, also where the image is not shared
   */
  show(caller: Caller, imageId: string, projectId: string): Promise<ImageMember>;
  /**
   * @throws {NotFoundError} `IMAGE_NOT_FOUND`
   * @throws {ForbiddenError} `IMAGE_NOT_SHARED` · `POLICY_DENIED`
   * @throws {InvalidInputError} `MEMBER_INVALID`
   * @throws {ConflictError} `MEMBER_EXISTS`
   * @throws {CapacityError} `MEMBERS_EXCEEDED`
   */
  add(caller: Caller, imageId: string, projectId: string): Promise<ImageMember>;
  /**
   * @throws {NotFoundError} `IMAGE_NOT_FOUND` · `MEMBER_NOT_FOUND`
   * @throws {ForbiddenError} `IMAGE_NOT_SHARED` · `POLICY_DENIED`
   */
  answer(
    caller: Caller,
    imageId: string,
    projectId: string,
    status: MemberStatus,
  ): Promise<ImageMember>;
  /**
   * @throws {NotFoundError} `IMAGE_NOT_FOUND` · `MEMBER_NOT_FOUND`
   * @throws {ForbiddenError} `IMAGE_NOT_SHARED` · `POLICY_DENIED`
   */
  remove(caller: Caller, imageId: string, projectId: string): Promise<void>;
}
