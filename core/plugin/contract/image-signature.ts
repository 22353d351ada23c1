import { PermanentError } from '../../base/errors.js';
import type { Image } from '../../image/image.js';

/** The properties of a signed image, as Glance and Nova read them (cursive, signature_utils.py). */
export const SIGNATURE_PROPERTIES = [
  'img_signature',
  'img_signature_hash_method',
  'img_signature_key_type',
  'img_signature_certificate_uuid',
] as const;

/** Whether an image says of itself that its bytes are signed. */
export function isSigned({ properties }: Pick<Image, 'properties'>): boolean {
  return SIGNATURE_PROPERTIES.some((name) => Object.hasOwn(properties, name));
}

/**
 * For a task that is about to replace signed bytes: the signature would not be one of the new bytes,
 * and clients that verify downloads would refuse the image.
 * @throws {PermanentError} `IMAGE_SIGNED` unless `policy` allows it
 */
export function assertReplaceable(
  image: Pick<Image, 'properties'>,
  policy: 'refuse' | 'allow',
): void {
  if (policy === 'allow' || !isSigned(image)) return;
  throw new PermanentError({
    code: 'IMAGE_SIGNED',
    message: 'The image is signed, and its signature would not hold for other bytes',
    hint: 'Sign and send the image as it is to be stored, or remove its img_signature properties; the operator can allow it with `signed: allow`',
  });
}

/** The patch that makes a signature, which speaks of earlier bytes, a fact about these bytes. */
export function signatureAsProvenance(
  { properties }: Pick<Image, 'properties'>,
  prefix: string,
): Readonly<Record<string, string | null>> {
  const patch: Record<string, string | null> = {};
  for (const name of SIGNATURE_PROPERTIES) {
    const value = properties[name];
    if (value === undefined) continue;
    patch[name] = null;
    patch[`${prefix}${name}`] = value;
  }
  return patch;
}
