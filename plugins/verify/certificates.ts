import { X509Certificate } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { PermanentError, RejectedError, systemCode } from '../../core/api.js';

/** A certificate file holds a handful of certificates at most. */
const MAX_FILE = 64 * 1024;

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Where the certificates of signers are kept. */
export interface CertificateStore {
  /**
   * The certificate with this id, then those that its holder sends along to lead to an issuer.
   * @throws {RejectedError} `CERTIFICATE_NOT_FOUND` · `CERTIFICATE_INVALID`
   * @throws {PermanentError} `CERTIFICATES_UNREADABLE`
   */
  find(id: string): Promise<readonly [X509Certificate, ...X509Certificate[]]>;
}

/** A directory with one file for each certificate, `<uuid>.pem`. */
export class CertificateDirectory implements CertificateStore {
  /** `directory` is absolute. */
  constructor(private readonly directory: string) {}

  async find(id: string): Promise<readonly [X509Certificate, ...X509Certificate[]]> {
    const file = path.join(this.directory, `${id}.pem`);
    const text = await readStart(file).catch((error: unknown) => {
      throw systemCode(error) === 'ENOENT' ? notFound(id) : unreadable(file, error);
    });
    const [first, ...more] = parsed(text, (cause) => invalid(id, cause));
    if (first === undefined) throw invalid(id, undefined);
    return [first, ...more];
  }
}

/**
 * The certificates that signers' certificates have to lead to.
 * @throws {PermanentError} `CERTIFICATES_UNREADABLE`
 */
export async function trustedCertificates(
  files: readonly string[],
): Promise<readonly X509Certificate[]> {
  const found: X509Certificate[] = [];
  for (const file of files) {
    const text = await readFile(file, 'latin1').catch((error: unknown) => {
      throw unreadable(file, error);
    });
    const certificates = parsed(text, (cause) => unreadable(file, cause));
    if (certificates.length === 0) throw unreadable(file, undefined);
    found.push(...certificates);
  }
  return found;
}

function parsed(text: string, failure: (cause: unknown) => Error): readonly X509Certificate[] {
  try {
    return (text.match(PEM) ?? []).map((pem) => new X509Certificate(pem));
  } catch (error) {
    throw failure(error);
  }
}

async function readStart(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_FILE), 0, MAX_FILE, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function notFound(id: string): RejectedError {
  return new RejectedError({
    code: 'CERTIFICATE_NOT_FOUND',
    message: `There is no certificate "${id}" for the signature of the image`,
    hint: 'Set img_signature_certificate_uuid to a certificate that the operator has, or ask the operator to add it',
    details: { certificate: id },
  });
}

function invalid(id: string, cause: unknown): RejectedError {
  return new RejectedError({
    code: 'CERTIFICATE_INVALID',
    message: `The certificate "${id}" is no X.509 certificate in PEM form`,
    hint: 'Ask the operator to replace it',
    details: { certificate: id },
    cause,
  });
}

function unreadable(file: string, cause: unknown): PermanentError {
  return new PermanentError({
    code: 'CERTIFICATES_UNREADABLE',
    message: `Cannot read certificates from "${file}"`,
    hint: 'The operator has to look at the file and at its permissions; then import the image again',
    cause,
  });
}
