import { createHash } from 'node:crypto';
import path from 'node:path';
import { RejectedError, isSigned, unmetCondition } from '../../core/api.js';
import type {
  Clock,
  ImportTask,
  JsonObject,
  PluginSite,
  TaskContext,
  TaskResult,
  TaskView,
} from '../../core/api.js';
import { assertTrusted } from './certificate-trust.js';
import { CertificateDirectory, trustedCertificates } from './certificates.js';
import { expectedDigests } from './expected-digests.js';
import type { ExpectedDigest } from './expected-digests.js';
import { read } from './reading.js';
import type { SignatureJob } from './reading-protocol.js';
import { signatureClaim } from './signature-claim.js';
import type { SignatureClaim } from './signature-claim.js';
import type { SignatureConfig, VerifyConfig } from './verify-config.js';

/** Holds the bytes against the digests and the signature that the image's properties tell. */
export class VerifyTask implements ImportTask {
  constructor(
    private readonly config: VerifyConfig,
    private readonly site: Pick<PluginSite, 'dataDir'>,
    private readonly clock: Clock,
  ) {}

  skipReason(view: TaskView): string | undefined {
    // What must be signed is not let through for having no bytes here.
    if (this.#mustBeSigned(view)) return undefined;
    if (view.data === undefined) return 'The import holds no bytes';
    const isTold = this.#isJudged(view) || expectedDigests(this.config, view.image).length > 0;
    return isTold ? undefined : 'The image has no signature and no digest to be held against';
  }

  async execute(context: TaskContext): Promise<TaskResult> {
    const { data, image } = context;
    const { signatures } = this.config;
    if (this.#mustBeSigned(context) && (data === undefined || !isSigned(image))) {
      throw data === undefined ? nothingToVerify() : unsigned();
    }
    if (data === undefined) return {};
    const expected = expectedDigests(this.config, image);
    assertKnownDigests(expected, data.digests);
    const claim = signatures !== undefined && isSigned(image) ? signatureClaim(image) : undefined;
    const signature =
      claim === undefined || signatures === undefined
        ? undefined
        : await this.#signature(claim, signatures);
    const unknown = expected.filter(({ algorithm }) => data.digests[algorithm] === undefined);
    if (unknown.length > 0 || signature !== undefined) {
      const digests = unknown.map(({ algorithm }) => algorithm);
      const found = await read(
        { path: context.dataPath(), digests, signature },
        {
          signal: context.signal,
          onProgress: (done) => {
            context.progress(done, data.size);
          },
        },
      );
      assertKnownDigests(expected, found.digests);
      if (found.signatureHolds === false && claim !== undefined) throw wrongSignature(claim);
    }
    return { output: describe(expected, claim) };
  }

  #isJudged({ image }: TaskView): boolean {
    return this.config.signatures !== undefined && isSigned(image);
  }

  #mustBeSigned({ image, caller, request, data }: TaskView): boolean {
    const required = this.config.signatures?.required ?? false;
    if (typeof required === 'boolean') return required;
    const { method, stores } = request;
    const subject = { image, caller, method, stores, size: data?.size };
    return required.some((when) => unmetCondition(when, subject) === undefined);
  }

  /** Everything that can be judged before a byte is read. */
  async #signature(
    { signature, hash, keyType, keyTypeName, certificate }: SignatureClaim,
    { certificates, trusted }: SignatureConfig,
  ): Promise<SignatureJob> {
    const { dataDir } = this.site;
    const directory = new CertificateDirectory(path.resolve(dataDir, certificates));
    const found = await directory.find(certificate);
    const anchors = await trustedCertificates(trusted.map((file) => path.resolve(dataDir, file)));
    assertTrusted(found, { trusted: anchors, now: this.clock.now() });
    const { publicKey: key } = found[0];
    const hashBytes = createHash(hash).digest().length;
    const scheme = keyType.keys.includes(key.asymmetricKeyType ?? '')
      ? keyType.scheme(key, hashBytes)
      : undefined;
    if (scheme === undefined) throw wrongKey(certificate, keyTypeName, hash);
    const pem = key.export({ type: 'spki', format: 'pem' });
    return { hash, scheme, value: signature, key: pem.toString() };
  }
}

/** @throws {RejectedError} `DIGEST_MISMATCH` */
function assertKnownDigests(
  expected: readonly ExpectedDigest[],
  digests: Readonly<Record<string, string>>,
): void {
  for (const { algorithm, property, value } of expected) {
    const found = digests[algorithm];
    if (found === undefined || found === value) continue;
    throw new RejectedError({
      code: 'DIGEST_MISMATCH',
      message: `The ${algorithm} of the data is "${found}", and the property "${property}" says "${value}"`,
      hint: 'Send the right file, or correct the property',
      details: { algorithm, property, found, expected: value },
    });
  }
}

function describe(
  expected: readonly ExpectedDigest[],
  claim: SignatureClaim | undefined,
): JsonObject {
  return {
    digests: expected.map(({ algorithm }) => algorithm),
    ...(claim === undefined
      ? {}
      : { certificate: claim.certificate, key_type: claim.keyTypeName, hash: claim.hash }),
  };
}

function unsigned(): RejectedError {
  return new RejectedError({
    code: 'SIGNATURE_MISSING',
    message: 'The image is not signed, and images like this one must be',
    hint: 'Sign the image and set its img_signature properties before the import',
  });
}

function nothingToVerify(): RejectedError {
  return new RejectedError({
    code: 'SIGNATURE_UNVERIFIABLE',
    message: 'Images like this one must be signed, and this import has no bytes to verify',
    hint: 'Import the image with a method that brings its bytes',
  });
}

function wrongKey(certificate: string, keyType: string, hash: string): RejectedError {
  return new RejectedError({
    code: 'CERTIFICATE_KEY_MISMATCH',
    message: `The key of certificate "${certificate}" cannot have made a signature of type "${keyType}" over ${hash}`,
    hint: 'Correct img_signature_key_type or img_signature_certificate_uuid, then send the image again',
    details: { certificate },
  });
}

function wrongSignature({ certificate, keyTypeName }: SignatureClaim): RejectedError {
  return new RejectedError({
    code: 'SIGNATURE_INVALID',
    message: `The signature is none of these bytes by the key of certificate "${certificate}"`,
    hint:
      keyTypeName === 'RSA-PSS'
        ? 'Send the file that was signed. A signature of type RSA-PSS has MGF1 over the same hash and the longest possible salt'
        : 'Send the file that was signed, with the signature that was made of it',
    details: { certificate },
  });
}
