import type { Policy } from '../auth/policy.js';
import type { Caller } from '../auth/caller.js';
import { ForbiddenError, InvalidInputError } from '../base/errors.js';
import { LOCATION_METHOD } from '../engine/api-task.js';
import type { Database, Reader } from '../engine/ports.js';
import type { Imports } from '../engine/service.js';
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
}

export interface NewLocation {
  readonly url: string;
  /** Store that holds it; where it is not given, the first that holds such URLs. */
  readonly store: string | undefined;
  /** Digests in hex by algorithm that the bytes must have. */
  readonly digests: Readonly<Record<string, string>>;
}

export interface LocationsParts {
  readonly database: Pick<Database, 'read'>;
  readonly policy: Policy;
  readonly imports: Imports;
  /** The stores in config order, with the schemes of URLs that each holds. */
  readonly stores: {
    list(): readonly { readonly id: string; readonly schemes: readonly string[] }[];
  };
}

export function createLocations(parts: LocationsParts): Locations {
  const { database, policy, imports, stores } = parts;
  const { read } = database;
  return {
    async register(caller, imageId, { url, store, digests }) {
      await authorizedImage(policy, read, { caller, rule: 'add_image_location', id: imageId });
      const scheme = schemeOf(url);
      if (!OPEN_SCHEMES.includes(scheme) && !policy.may(caller, 'service_api')) {
        throw new ForbiddenError({
          code: 'LOCATION_FOR_SERVICES',
          message: `Locations that begin with "${scheme}:" are registered by services alone`,
          hint: 'Register an http or https URL, or import the image',
        });
      }
      const holder = stores
        .list()
        .find(({ id, schemes }) => schemes.includes(scheme) && (store ?? id) === id);
      if (holder === undefined) throw noStore(scheme);
      return imports.register({
        imageId,
        caller,
        method: LOCATION_METHOD,
        params: { url, store: holder.id, digests },
        stores: [holder.id],
      });
    },

    async list(caller, imageId) {
      await authorizedImage(policy, read, { caller, rule: 'fetch_image_location', id: imageId });
      return read.locations({ imageId, states: ['active'] });
    },
  };
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
