import { InvalidInputError, NotFoundError } from '../base/errors.js';
import type { ImportMethod } from '../plugin/contract/manifest.js';
import type { HttpParts } from './parts.js';

/** The import methods that a client may ask for, in config order. */
export function requestableDefinitions({ methods }: HttpParts['plugins']): readonly ImportMethod[] {
  return methods
    .map(({ definition }) => definition)
    .filter(({ requestable }) => requestable !== false);
}

/** Their names. */
export function requestableMethods(plugins: HttpParts['plugins']): readonly string[] {
  return requestableDefinitions(plugins).map(({ name }) => name);
}

/**
 * Refuses methods that only the server itself begins, such as that of `PUT …/file`, as it refuses
 * those that there are not.
 * @throws {InvalidInputError} `METHOD_UNKNOWN`
 */
export function assertRequestable(plugins: HttpParts['plugins'], name: string): void {
  const known = requestableMethods(plugins);
  if (known.includes(name)) return;
  throw new InvalidInputError({
    code: 'METHOD_UNKNOWN',
    message: `Unknown import method "${name}"`,
    hint: `The methods here are: ${known.join(', ')}`,
  });
}

/** The method that imports what was staged. */
const STAGING_METHOD = 'glance-direct';

/**
 * Refuses bytes for staging where nothing could import them.
 * @throws {NotFoundError} `METHOD_DISABLED`
 */
export function assertStagingMethod({ methods }: HttpParts['plugins']): void {
  if (methods.some(({ definition }) => definition.name === STAGING_METHOD)) return;
  throw new NotFoundError({
    code: 'METHOD_DISABLED',
    message: `The import method "${STAGING_METHOD}" is not enabled`,
    hint: 'Use another method, or "PUT …/file"',
  });
}
