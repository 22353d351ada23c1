import type { JsonObject } from '../base/json.js';

/** `pending` → `placed` → `active` → `deleting` → no row; `deleting` from each of them. */
export type LocationState = 'pending' | 'placed' | 'active' | 'deleting';

/** Where one store holds the bytes of one image, or is about to. */
export interface Location {
  readonly id: string;
  readonly imageId: string;
  readonly store: string;
  /** Name given to the store, never used twice: `<image>/<import>.<epoch>.<location>`. */
  readonly objectName: string;
  /** `null` while `pending`. */
  readonly url: string | null;
  readonly state: LocationState;
  readonly importId: string | null;
  readonly epoch: number;
  readonly metadata: JsonObject;
  /** The generation whose inode the store shares; no second store may link it. */
  readonly linkedGeneration: string | null;
  readonly createdAt: Date;
}
