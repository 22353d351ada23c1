import { InvalidInputError } from '../base/errors.js';
import type { HttpParts } from './parts.js';

/** Names of the import methods that a client may ask for, in config order. */
export function requestableMethods({ methods }: HttpParts['plugins']): readonly string[] {
  return methods
    .filter(({ definition }) => definition.requestable !== false)
    .map(({ definition }) => definition.name);
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
