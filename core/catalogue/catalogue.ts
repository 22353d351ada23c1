import type { Caller } from '../auth/caller.js';
import type { RuleName } from '../auth/rules/table.js';
import type { Image, ImageAttributes } from '../image/image.js';
import type { ImageQuery } from '../image/query.js';

/**
 * The application services on image records: who may do what is asked of the policy here, and
 * nowhere above. Knows nothing of HTTP or of bytes.
 */
export interface Catalogue {
  /**
   * Makes a record in status `queued`.
   * @throws {ConflictError} `IMAGE_EXISTS` when the id was ever used.
   * @throws {ForbiddenError} `PROPERTY_RESERVED` · `PROPERTY_READ_ONLY` · `POLICY_DENIED`
   * @throws {InvalidInputError} `PROPERTY_INVALID`
   * @throws {CapacityError} `PROPERTIES_EXCEEDED` · `TAGS_EXCEEDED` · `QUOTA_EXCEEDED`
   */
  create(caller: Caller, image: NewImage): Promise<Image>;
  /** @throws {NotFoundError} `IMAGE_NOT_FOUND`, also for images that the caller may not see. */
  show(caller: Caller, id: string): Promise<Image>;
  /**
   * The image, for what a rule of the policy guards.
   * @throws {NotFoundError} `IMAGE_NOT_FOUND`
   * @throws {ForbiddenError} `POLICY_DENIED`
   */
  showFor(caller: Caller, id: string, rule: RuleName): Promise<Image>;
  /**
   * The image, for its bytes to be read.
   * @throws as {@link showFor}; {ForbiddenError} `IMAGE_DEACTIVATED`
   */
  showForDownload(caller: Caller, id: string): Promise<Image>;
  /**
   * A page of the images that the caller may see. It is full where there are as many.
   * @throws {InvalidInputError} `MARKER_NOT_FOUND`
   * @throws {ForbiddenError} `POLICY_DENIED`
   */
  list(caller: Caller, query: Omit<ImageQuery, 'projectId' | 'isAdmin'>): Promise<readonly Image[]>;
  /**
   * Applies all changes or none. A live import learns which names a user has set: they win over
   * what its tasks propose.
   * @throws as {@link create} and {@link showFor};
   * @throws {ConflictError} `PROPERTY_MISSING` · `PROPERTY_PRESENT`
   * @throws {ForbiddenError} `PROPERTY_CLAIMED` · `FORMAT_FIXED`
   */
  update(caller: Caller, id: string, changes: readonly ImageEdit[]): Promise<Image>;
  /** @throws as {@link update} */
  addTag(caller: Caller, id: string, tag: string): Promise<void>;
  /** @throws as {@link update}; {NotFoundError} `TAG_NOT_FOUND` */
  removeTag(caller: Caller, id: string, tag: string): Promise<void>;
  /**
   * @throws as {@link showFor}
   * @throws {ForbiddenError} `IMAGE_PROTECTED`
   * @throws {ConflictError} `IMAGE_STATE`
   */
  remove(caller: Caller, id: string): Promise<void>;
  /**
   * Removes the bytes of an active image from one store; others keep them.
   * @throws as {@link showFor}; {NotFoundError} `NOT_IN_STORE`
   * @throws {ForbiddenError} `LAST_LOCATION`; {ConflictError} `IMAGE_STATE`
   */
  removeFromStore(caller: Caller, id: string, store: string): Promise<void>;
  /**
   * Closes or opens the bytes of an active image; harmless when it is so already.
   * @throws as {@link showFor}; {ForbiddenError} `IMAGE_STATE`
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
