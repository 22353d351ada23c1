import type { Caller } from '../auth/caller.js';
import type { Image, ImageAttributes } from '../image/image.js';
import type { ImageQuery } from '../image/query.js';

/**
 * The application services on image records: every rule about who may change what, and when, is
 * kept here and in `core/auth/policy.ts`. Knows nothing of HTTP or of bytes.
 */
export interface Catalogue {
  /**
   * Makes a record in status `queued`.
   * @throws {ConflictError} `IMAGE_EXISTS` when the id was ever used.
   * @throws {ForbiddenError} `PROPERTY_RESERVED` · `PROPERTY_READ_ONLY` · `PUBLICIZE_FORBIDDEN` ·
   *   `OWNER_FORBIDDEN` · `READ_ONLY_CALLER`
   * @throws {InvalidInputError} `PROPERTY_INVALID`
   * @throws {CapacityError} `PROPERTIES_EXCEEDED` · `TAGS_EXCEEDED`
   */
  create(caller: Caller, image: NewImage): Promise<Image>;
  /** @throws {NotFoundError} `IMAGE_NOT_FOUND`, also for images that the caller may not see. */
  show(caller: Caller, id: string): Promise<Image>;
  /**
   * The image, for something that changes it or its bytes.
   * @throws {NotFoundError} `IMAGE_NOT_FOUND`
   * @throws {ForbiddenError} `IMAGE_NOT_YOURS` · `READ_ONLY_CALLER`
   */
  showForChange(caller: Caller, id: string): Promise<Image>;
  /** @throws {InvalidInputError} `MARKER_NOT_FOUND` */
  list(caller: Caller, query: Omit<ImageQuery, 'projectId' | 'isAdmin'>): Promise<readonly Image[]>;
  /**
   * Applies all changes or none. A live import learns which names a user has set: they win over
   * what its tasks propose.
   * @throws as {@link create} and {@link showForChange};
   * @throws {ConflictError} `PROPERTY_MISSING` · `PROPERTY_PRESENT`
   * @throws {ForbiddenError} `PROPERTY_CLAIMED` · `FORMAT_FIXED`
   */
  update(caller: Caller, id: string, changes: readonly ImageEdit[]): Promise<Image>;
  /** @throws as {@link update} */
  addTag(caller: Caller, id: string, tag: string): Promise<void>;
  /** @throws as {@link update}; {NotFoundError} `TAG_NOT_FOUND` */
  removeTag(caller: Caller, id: string, tag: string): Promise<void>;
  /**
   * @throws as {@link showForChange}
   * @throws {ForbiddenError} `IMAGE_PROTECTED`
   * @throws {ConflictError} `IMAGE_STATE`
   */
  remove(caller: Caller, id: string): Promise<void>;
  /**
   * Removes the bytes of an active image from one store; others keep them.
   * @throws as {@link showForChange}; {NotFoundError} `NOT_IN_STORE`
   * @throws {ForbiddenError} `LAST_LOCATION`; {ConflictError} `IMAGE_STATE`
   */
  removeFromStore(caller: Caller, id: string, store: string): Promise<void>;
  /**
   * Closes or opens the bytes of an active image; harmless when it is so already.
   * @throws as {@link showForChange}; {ForbiddenError} `IMAGE_STATE`
   */
  setActive(caller: Caller, id: string, wanted: 'active' | 'deactivated'): Promise<void>;
}
export const Catalogue = Symbol('Catalogue');

/** What a client may say of a new image. */
export interface NewImage {
  /** UUID in lower case; @default a random one */
  readonly id?: string;
  readonly attributes: Partial<ImageAttributes>;
  readonly properties: Readonly<Record<string, string>>;
}

/** One change that a client asks for; in order, the later one wins. */
export type ImageEdit =
  | { readonly kind: 'attributes'; readonly value: Partial<ImageAttributes> }
  | {
      readonly kind: 'property';
      readonly op: 'add' | 'replace' | 'create';
      readonly name: string;
      readonly value: string;
    }
  | { readonly kind: 'property'; readonly op: 'remove'; readonly name: string };
