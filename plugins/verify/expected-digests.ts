import type { Image } from '../../core/api.js';
import type { VerifyConfig } from './verify-config.js';

/** A digest that a property of the image tells. */
export interface ExpectedDigest {
  /** Node's name. */
  readonly algorithm: string;
  readonly property: string;
  /** Hex in lower case. */
  readonly value: string;
}

/** The digests that an image's properties tell; those that are absent or empty tell nothing. */
export function expectedDigests(
  { digests }: VerifyConfig,
  { properties }: Pick<Image, 'properties'>,
): readonly ExpectedDigest[] {
  return Object.entries(digests).flatMap(([algorithm, property]) => {
    const value = properties[property]?.trim().toLowerCase() ?? '';
    return value === '' ? [] : [{ algorithm, property, value }];
  });
}
