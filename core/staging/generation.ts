import type { Inspection } from '../format/inspection.js';

/** `writing` → `ready` → `releasing` → no row. Only a `ready` generation may be read. */
export type GenerationState = 'writing' | 'ready' | 'releasing';

/** One immutable state of the bytes of an image on its way in, at rest in staging. */
export interface Generation {
  readonly id: string;
  readonly imageId: string;
  /** The import that holds it; `null` for bytes that were staged and not imported yet. */
  readonly importId: string | null;
  /** 0 is what the client sent. */
  readonly number: number;
  /**
   * Place in the flow of the task that made it; `null` for bytes that were staged before the import.
   * It is current for the tasks behind that place.
   */
  readonly position: number | null;
  /** Name in the staging directory: `<id>.<epoch>`. */
  readonly file: string;
  readonly state: GenerationState;
  readonly epoch: number;
  /** While `writing`: bytes of the file that survive a power cut. */
  readonly durable: number;
  /** While `writing`: what identified the source's content; see `StreamSource.validator`. */
  readonly validator: string | null;
  /** The following are `null` until `ready`. Bytes. */
  readonly size: number | null;
  readonly allocatedSize: number | null;
  readonly digests: Readonly<Record<string, string>> | null;
  readonly inspection: Inspection | null;
  readonly createdAt: Date;
  readonly readyAt: Date | null;
  /** Of bytes that a client sends over several requests. */
  readonly upload: ResumableUpload | null;
}

/** What is known of an upload beside its bytes. */
export interface ResumableUpload {
  /** Bytes that it will have. */
  readonly length: number;
  /** What the client has said of it, as it was said. */
  readonly metadata: string;
  /** When the client was last heard of. */
  readonly touchedAt: Date;
}

/** Bytes of the staging capacity that somebody holds. */
export interface Reservation {
  readonly id: string;
  readonly purpose: 'data' | 'workspace';
  readonly imageId: string;
  readonly importId: string | null;
  /** The generation whose file the bytes are for; dropped together with it. */
  readonly generationId: string | null;
  readonly bytes: number;
  /**
   * Of data that stay whatever comes of an import: bytes that it may ask for beside them at most.
   * `null` for data that are coming, for what a task has made, and for workspace.
   */
  readonly need: number | null;
}

/** A generation that no byte has come for yet. */
export function newGeneration(
  id: string,
  owner: Pick<Generation, 'imageId' | 'importId' | 'number' | 'position'>,
  begun: Pick<Generation, 'epoch' | 'createdAt'>,
): Generation {
  return {
    id,
    imageId: owner.imageId,
    importId: owner.importId,
    number: owner.number,
    position: owner.position,
    file: `${id}.${begun.epoch}`,
    state: 'writing',
    epoch: begun.epoch,
    durable: 0,
    validator: null,
    size: null,
    allocatedSize: null,
    digests: null,
    inspection: null,
    createdAt: begun.createdAt,
    readyAt: null,
    upload: null,
  };
}
