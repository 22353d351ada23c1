import { InvalidInputError } from '../../base/errors.js';
import { describeJsonIssues } from '../../base/json-issues.js';
import type { JsonObject } from '../../base/json.js';
import type { LoadedMethod } from '../../plugin/plugins.js';
import type { Location } from '../../store/location.js';
import type { StoreRegistry } from '../../store/registry.js';
import type { ImportRequest } from '../service.js';

/** Hex digits of a digest by algorithm. */
const DIGEST_LENGTHS: Readonly<Record<string, number>> = {
  md5: 32,
  sha1: 40,
  sha224: 56,
  sha256: 64,
  sha384: 96,
  sha512: 128,
};

/** @throws {InvalidInputError} `METHOD_PARAMS`, and what the method itself refuses */
export async function checkMethodParams(
  { definition, source }: LoadedMethod,
  params: JsonObject,
): Promise<JsonObject> {
  const parsed = definition.params.safeParse(params);
  if (!parsed.success) {
    const problems = describeJsonIssues(parsed.error, params, 'method');
    throw new InvalidInputError({
      code: 'METHOD_PARAMS',
      message: `The parameters of "${definition.name}" are wrong: ${problems.join('; ')}`,
      hint: 'Correct what is listed; parameters stand beside "name" in "method"',
      details: { problems },
    });
  }
  // A method's schema describes JSON, since the request is JSON.
  const checked = parsed.data as JsonObject;
  await source.check?.(checked);
  return checked;
}

/** @throws {InvalidInputError} `CHECKSUM_INVALID` */
export function checkedDigest(checksum: { readonly algorithm: string; readonly value: string }): {
  readonly algorithm: string;
  readonly value: string;
} {
  const algorithm = checksum.algorithm.toLowerCase();
  const value = checksum.value.toLowerCase();
  const length = DIGEST_LENGTHS[algorithm];
  if (length !== undefined && value.length === length && /^[0-9a-f]+$/.test(value)) {
    return { algorithm, value };
  }
  throw new InvalidInputError({
    code: 'CHECKSUM_INVALID',
    message: `Not a checksum: "${checksum.algorithm}:${checksum.value}"`,
    hint: `Write "algorithm:hex" with one of ${Object.keys(DIGEST_LENGTHS).join(', ')}`,
  });
}

/**
 * The stores that the image is to go to.
 *
 * @throws {InvalidInputError} `STORE_UNKNOWN` · `STORE_READ_ONLY` · `STORES_AND_ALL_STORES` ·
 *   `ALREADY_IN_STORE` · `ALREADY_IN_ALL_STORES`
 */
export function targetStores(
  request: Pick<ImportRequest, 'stores' | 'allStores'>,
  registry: StoreRegistry,
  { definition }: LoadedMethod,
  held: readonly Location[],
): readonly string[] {
  if (definition.inPlace === true) return request.stores ?? [];
  const heldStores = held.map(({ store }) => store);
  if (request.allStores === true) {
    if (request.stores !== undefined && request.stores.length > 0) {
      throw new InvalidInputError({
        code: 'STORES_AND_ALL_STORES',
        message: 'A request names either stores or all_stores',
        hint: 'Leave one of the two out',
      });
    }
    const writable = registry.list().filter(({ readOnly }) => !readOnly);
    const missing = writable.map(({ id }) => id).filter((id) => !heldStores.includes(id));
    return missing.length > 0 ? missing : alreadyEverywhere();
  }
  const named = [...new Set(request.stores ?? [])];
  for (const id of named) assertWritable(registry, id);
  const there = named.filter((id) => heldStores.includes(id));
  if (definition.data === 'existing' && there.length > 0) return alreadyThere(there);
  return named.length > 0 ? named : defaultStore(registry, heldStores);
}

function defaultStore(registry: StoreRegistry, held: readonly string[]): readonly string[] {
  const standard = registry.list().find(({ isDefault }) => isDefault);
  if (standard === undefined || held.includes(standard.id)) return alreadyThere(held);
  return [standard.id];
}

function assertWritable(registry: StoreRegistry, id: string): void {
  const known = registry.list().map((info) => info.id);
  if (!registry.has(id)) {
    throw new InvalidInputError({
      code: 'STORE_UNKNOWN',
      message: `Unknown store "${id}"`,
      hint: `The stores here are: ${known.join(', ')}`,
    });
  }
  if (registry.info(id).readOnly) {
    throw new InvalidInputError({
      code: 'STORE_READ_ONLY',
      message: `Store "${id}" is read-only`,
      hint: 'Name a store that takes images; they are listed at "/v2/info/stores"',
    });
  }
}

function alreadyEverywhere(): never {
  throw new InvalidInputError({
    code: 'ALREADY_IN_ALL_STORES',
    message: 'The image is in all stores already',
    hint: 'There is nothing to do',
  });
}

function alreadyThere(stores: readonly string[]): never {
  throw new InvalidInputError({
    code: 'ALREADY_IN_STORE',
    message: `The image is already in store "${stores.join('", "')}"`,
    hint: 'Name a store that does not have it',
  });
}
