import { formatByteSize } from '../base/byte-size.js';
import { IntegrityError, RejectedError } from '../base/errors.js';

export interface SizeLimits {
  /** Bytes at most. */
  readonly maxSize: number;
  /** Bytes that there must be. */
  readonly expectedSize: number | undefined;
}

/**
 * Checks a number of bytes that may still grow.
 * @throws {RejectedError} `SIZE_EXCEEDED`
 * @throws {IntegrityError} `SIZE_MISMATCH` for more bytes than expected
 */
export function checkSize(size: number, { maxSize, expectedSize }: SizeLimits): void {
  if (size > maxSize) {
    throw new RejectedError({
      code: 'SIZE_EXCEEDED',
      message: `The image has more than the ${formatByteSize(maxSize)} that are allowed`,
      hint: 'Send a smaller image, or ask the operator to raise the size limit of images',
      details: { maxSize },
    });
  }
  if (expectedSize !== undefined && size > expectedSize) {
    throw sizeMismatch(expectedSize, `at least ${size}`);
  }
}

/** `found` in words, since the whole number need not be known. */
export function sizeMismatch(expectedSize: number, found: string): IntegrityError {
  return new IntegrityError({
    code: 'SIZE_MISMATCH',
    message: `There should be ${expectedSize} bytes, but there are ${found}`,
    hint: 'Check that the sender gives the right length and sends all of the bytes',
    details: { expectedSize },
  });
}
