import type { Json, JsonObject } from '../../base/json.js';
import type { Inspection } from '../../format/inspection.js';
import type { Image } from '../../image/image.js';

/** The bytes of an import as they are now, at rest in staging. */
export interface DataView {
  /** Generation: 0 is what the client sent, each replacement counts up. */
  readonly generation: number;
  /** Bytes from first to last. */
  readonly size: number;
  /** Bytes that occupy storage: less than `size` for a sparse file. */
  readonly allocatedSize: number;
  /** Hex digests of all the bytes by algorithm, for example `{ md5, sha512 }`. */
  readonly digests: Readonly<Record<string, string>>;
  readonly inspection: Inspection;
}

/** What the client asked for. */
export interface RequestView {
  /** Import method, for example `glance-direct`. */
  readonly method: string;
  /** The method's parameters, as its `params` schema returned them. */
  readonly params: JsonObject;
  /** Ids of the stores that the image goes to. */
  readonly stores: readonly string[];
}

/** On whose behalf the import runs. */
export interface CallerView {
  readonly userId: string | null;
  readonly projectId: string | null;
  readonly roles: readonly string[];
}

/** What a task may look at when it decides. Nothing in it changes while the task holds it. */
export interface TaskView {
  readonly importId: string;
  /** The image with the changes applied that earlier tasks of this import have proposed. */
  readonly image: Image;
  /** The current generation; `undefined` where the import holds no bytes. */
  readonly data: DataView | undefined;
  readonly request: RequestView;
  readonly caller: CallerView;
  /** The id of the store that this task serves; `undefined` for tasks that serve none. */
  readonly store: string | undefined;
  /** What this plugin's own observer reported of the current generation. */
  readonly observation: Json | undefined;
}
