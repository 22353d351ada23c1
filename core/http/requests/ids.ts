import { imageNotFound } from '../../auth/policy.js';

/** The text form of RFC 9562. */
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * The image id of a path, in lower case.
 * @throws {NotFoundError} `IMAGE_NOT_FOUND` where it cannot be one
 */
export function imageIdOf(ctx: { readonly params: Record<string, string | undefined> }): string {
  const id = ctx.params['id'] ?? '';
  if (!UUID.test(id)) throw imageNotFound(id.slice(0, 64));
  return id.toLowerCase();
}
