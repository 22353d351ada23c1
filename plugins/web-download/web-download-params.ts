import { z } from '../../core/api.js';
import { parseChecksum } from './checksum.js';

const address = z.string().min(1).max(8192);

/** Addresses beside `uri`. */
const MAX_MIRRORS = 16;

export const WebDownloadParams = z
  .strictObject({
    uri: address.describe('http or https address of the image'),
    mirrors: z
      .array(address)
      .max(MAX_MIRRORS)
      .optional()
      .describe('Further addresses of the same bytes, in the order in which they are tried'),
    checksum: z
      .string()
      .refine(
        (text) => parseChecksum(text) !== undefined,
        'expected "algorithm:hex", with md5, sha1, sha224, sha256, sha384 or sha512',
      )
      .optional()
      .describe('Digest that the bytes must have, as algorithm:hex'),
    checksum_url: address
      .optional()
      .describe('Address of a SHA256SUMS-like file that names the digest of the image'),
  })
  .refine(
    ({ checksum, checksum_url }) => checksum === undefined || checksum_url === undefined,
    'expected "checksum" or "checksum_url", not both',
  );
export type WebDownloadParams = z.output<typeof WebDownloadParams>;
