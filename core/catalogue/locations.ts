import type { Policy } from '../auth/policy.js';
import type { Caller } from '../auth/caller.js';
import { ConflictError, ForbiddenError, InvalidInputError, failureError } from '../base/errors.js';
import type { JsonObject } from '../base/json.js';
import { LOCATION_METHOD } from '../engine/api-task.js';
import type { Database, Reader } from '../engine/ports.js';
import type { Imports, Removal } from '../engine/service.js';
import type { ImportRecord } from '../engine/import.js';
import { authorizedImage } from './access.js';

type Location = Awaited<ReturnType<Reader['locations']>>[number];

/** Schemes under which everybody may register what everybody can read; others are for services. */
const OPEN_SCHEMES: readonly string[] = ['http', 'https'];

/** Where the bytes of images are, for those who may know it and say it. */
export interface Locations {
  /**
   * Begins an import that takes what a store holds already for the bytes of the image.
   * @throws {NotFoundError} `IMAGE_NOT_FOUND`
   * @throws {ForbiddenError} `POLICY_DENIED` · `LOCATION_FOR_SERVICES`
   * @throws {InvalidInputError} `LOCATION_SCHEME` · `CHECKSUM_INVALID`
   * @throws {ConflictError} `IMAGE_STATE` · `IMPORT_RUNNING` · `FORMATS_UNSET`
   */
  register(caller: Caller, imageId: string, location: NewLocation): Promise<ImportRecord>;
  /**
   * @throws {NotFoundError} `IMAGE_NOT_FOUND`
   * @throws {ForbiddenError} `POLICY_DENIED`
   */
  list(caller: Caller, imageId: string): Promise<readonly Location[]>;
  /**
   * Changes one after the other, and waits for the end of what they begin: a location is added to an
   * image without bytes only, as {@link register} does. The bytes of a location that is removed go as
   * they do with the image. `signal` ends the waiting, not what was begun.
   * @throws as {@link register}; {ConflictError} `HAS_LOCATIONS`; {InvalidInputError} `LOCATION_UNKNOWN` ·
   *   `LOCATIONS_CHANGED`; {ForbiddenError} `LAST_LOCATION`; what the import failed with
   */
  change(
    caller: Caller,
    imageId: string,
    edits: readonly LocationEdit[],
    signal: AbortSignal,
  ): Promise<void>;
}

/** How a patch changes the locations of an image. `index` counts as the image shows them. */
export type LocationEdit =
  | { readonly kind: 'add'; readonly location: NewLocation }
  | { readonly kind: 'replace'; readonly locations: readonly NewLocation[] }
  | { readonly kind: 'remove'; readonly index: number };

export interface NewLocation {
  readonly url: string;
  /** Store that holds it; where it is not given, the first that holds such URLs. */
  readonly store: string | undefined;
  /** Digests in hex by algorithm that the bytes must have. */
  readonly digests: Readonly<Record<string, string>>;
  /** Free of form, for consumers that know its storage; shown with the location. */
  readonly metadata: JsonObject;
}

export interface LocationsParts {
  readonly database: Database;
  readonly policy: Policy;
  readonly imports: Imports;
  readonly removal: Pick<Removal, 'removeFromStore'>;
  /** The stores in config order, with the schemes of URLs that each holds. */
  readonly stores: {
    list(): readonly { readonly id: string; readonly schemes: readonly string[] }[];
  };
}

export function createLocations(parts: LocationsParts): Locations {
  const { database, policy, imports, removal, stores } = parts;
  const { read } = database;

  const begin = async (
    caller: Caller,
    imageId: string,
    { url, store, digests, metadata }: NewLocation,
  ): Promise<ImportRecord> => {
    const scheme = schemeOf(url);
    const holder = stores
      .list()
      .find(({ id, schemes }) => schemes.includes(scheme) && (store ?? id) === id);
    if (holder === undefined) throw noStore(scheme);
    if (!OPEN_SCHEMES.includes(scheme) && !policy.may(caller, 'service_api')) {
      throw new ForbiddenError({
        code: 'LOCATION_FOR_SERVICES',
        message: `Locations that begin with "${scheme}:" are registered by services alone`,
        hint: 'Register an http or https URL, or import the image',
      });
    }
    return imports.register({
      imageId,
      caller,
      method: LOCATION_METHOD,
      params: { url, store: holder.id, digests, metadata },
      stores: [holder.id],
    });
  };

  const held = (imageId: string): Promise<readonly Location[]> =>
    read.locations({ imageId, states: ['active'] });

  /** What the image holds, for a caller who may say where its bytes are. */
  const heldForSetting = async (caller: Caller, id: string): Promise<readonly Location[]> => {
    await authorizedImage(policy, read, { caller, rule: 'set_image_location', id });
    return held(id);
  };

  const beginAndWait = async (
    caller: Caller,
    imageId: string,
    location: NewLocation,
    signal: AbortSignal,
  ): Promise<void> => {
    const { id } = await begin(caller, imageId, location);
    const { state, failure } = await imports.finished(id, signal);
    if (state !== 'succeeded' && failure !== null) throw failureError(failure);
  };

  const add = async (
    caller: Caller,
    imageId: string,
    location: NewLocation,
    signal: AbortSignal,
  ): Promise<void> => {
    if ((await heldForSetting(caller, imageId)).length > 0) throw hasLocations(imageId);
    await beginAndWait(caller, imageId, location, signal);
  };

  const remove = async (
    caller: Caller,
    imageId: string,
    storeOf: (held: readonly Location[]) => string,
  ): Promise<void> => {
    await authorizedImage(policy, read, { caller, rule: 'delete_image_location', id: imageId });
    await removal.removeFromStore(imageId, storeOf(await held(imageId)));
  };

  /** An image without bytes gets its location; one that has them keeps their places. */
  const replace = async (
    caller: Caller,
    imageId: string,
    wanted: readonly NewLocation[],
    signal: AbortSignal,
  ): Promise<void> => {
    const [first, ...others] = wanted;
    const present = await heldForSetting(caller, imageId);
    if (present.length === 0) {
      if (others.length > 0) throw hasLocations(imageId);
      if (first !== undefined) await beginAndWait(caller, imageId, first, signal);
      return;
    }
    const isSame =
      wanted.length === present.length &&
      wanted.every(({ url }, index) => present[index]?.url === url);
    if (!isSame) throw placesChanged();
    await database.write(async (tx) => {
      for (const [index, { id }] of present.entries()) {
        const metadata = wanted[index]?.metadata ?? {};
        await tx.updateLocation(id, { state: ['active'] }, { metadata });
      }
    });
  };

  return {
    async register(caller, imageId, location) {
      await authorizedImage(policy, read, { caller, rule: 'add_image_location', id: imageId });
      return begin(caller, imageId, location);
    },

    async change(caller, imageId, edits, signal) {
      for (const edit of edits) {
        switch (edit.kind) {
          case 'add':
            await add(caller, imageId, edit.location, signal);
            break;
          case 'replace':
            await replace(caller, imageId, edit.locations, signal);
            break;
          case 'remove':
            await remove(caller, imageId, (present) => {
              const location = present[edit.index];
              if (location === undefined) throw locationUnknown(edit.index);
              return location.store;
            });
        }
      }
    },

    async list(caller, imageId) {
      await authorizedImage(policy, read, { caller, rule: 'fetch_image_location', id: imageId });
      return held(imageId);
    },
  };
}

function hasLocations(imageId: string): ConflictError {
  return new ConflictError({
    code: 'HAS_LOCATIONS',
    message: `Image "${imageId}" can be registered with one location, while it has none`,
    hint: 'Copy the image to another store with the import method "copy-image"',
  });
}

function placesChanged(): InvalidInputError {
  return new InvalidInputError({
    code: 'LOCATIONS_CHANGED',
    message: 'The locations of an image that has its bytes are replaced by the same only',
    hint: 'Remove one with the operation "remove"; copy the image to another store with "copy-image"',
  });
}

function locationUnknown(index: number): InvalidInputError {
  return new InvalidInputError({
    code: 'LOCATION_UNKNOWN',
    message: `The image has no location ${index}`,
    hint: 'Show the image: its locations count from 0',
  });
}

function schemeOf(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1];
  if (scheme !== undefined) return scheme.toLowerCase();
  throw new InvalidInputError({
    code: 'LOCATION_SCHEME',
    message: 'The location is no URL',
    hint: 'Write it with its scheme, for example "https://…"',
  });
}

function noStore(scheme: string): InvalidInputError {
  return new InvalidInputError({
    code: 'LOCATION_SCHEME',
    message: `No store here holds images under URLs that begin with "${scheme}:"`,
    hint: 'The operator can add a store, for example one with the driver "http"',
  });
}
