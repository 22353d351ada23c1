import { condition, z } from '../../core/api.js';

const Path = z.string().min(1).max(4096);

const Signatures = z.strictObject({
  certificates: Path.describe('Directory with the certificate of each signer as `<uuid>.pem`'),
  trusted: z
    .array(Path)
    .min(1)
    .describe('PEM files; a signer’s certificate must be one of these or be issued by one'),
  required: z
    .union([z.boolean(), z.array(condition()).min(1)])
    .default(false)
    .describe('Refuse images that are not signed: all, or those of imports that one of these fits'),
});
export type SignatureConfig = z.output<typeof Signatures>;

export const DIGEST_ALGORITHMS = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const;

export const VerifyConfig = z
  .strictObject({
    signatures: Signatures.optional().describe('Verify the signatures of signed images'),
    digests: z
      .partialRecord(z.enum(DIGEST_ALGORITHMS), z.string().min(1))
      .default({})
      .describe('Image properties that hold a digest in hex, by algorithm'),
  })
  .refine(
    ({ signatures, digests }) => signatures !== undefined || Object.keys(digests).length > 0,
    'expected `signatures` or `digests`',
  );
export type VerifyConfig = z.output<typeof VerifyConfig>;
