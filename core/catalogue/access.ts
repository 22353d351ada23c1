import type { Policy } from '../auth/policy.js';
import type { Caller } from '../auth/caller.js';
import type { RuleName } from '../auth/rules/table.js';
import type { Reader } from '../engine/ports.js';
import type { Image } from '../image/image.js';

/**
 * The image, for what a rule guards; inside a transaction, as it is there.
 * @throws {NotFoundError} `IMAGE_NOT_FOUND`
 * @throws {ForbiddenError} `POLICY_DENIED`
 */
export async function authorizedImage(
  policy: Policy,
  read: Reader,
  request: { readonly caller: Caller; readonly rule: RuleName; readonly id: string },
): Promise<Image> {
  const { caller, rule, id } = request;
  const image = await read.image(id);
  return policy.requireImage(caller, rule, id, image === undefined ? undefined : { image });
}
