import type { X509Certificate } from 'node:crypto';
import { RejectedError } from '../../core/api.js';
import { pathLength } from './path-length.js';

/** Certificates between a signer's and a trusted one, at most. */
const MAX_DEPTH = 8;

export interface Trust {
  readonly trusted: readonly X509Certificate[];
  readonly now: Date;
}

/**
 * Holds a signer's certificate against those that are trusted: it is one of them, or one of them has
 * issued it, with others between that came along with it. All of these must be valid now.
 *
 * @throws {RejectedError} `CERTIFICATE_OUT_OF_DATE` · `CERTIFICATE_UNTRUSTED`
 */
export function assertTrusted(
  [signer, ...along]: readonly [X509Certificate, ...X509Certificate[]],
  { trusted, now }: Trust,
): void {
  if (!isValidAt(signer, now)) {
    throw new RejectedError({
      code: 'CERTIFICATE_OUT_OF_DATE',
      message: `The certificate of the image’s signer is valid from ${signer.validFrom} to ${signer.validTo} only`,
      hint: 'Sign the image with a certificate that is valid now',
      details: { subject: oneLine(signer.subject) },
    });
  }
  if (leadsToTrusted(signer, along, { trusted, now })) return;
  throw new RejectedError({
    code: 'CERTIFICATE_UNTRUSTED',
    message: `No trusted certificate that is valid now has issued that of the image’s signer, "${oneLine(signer.subject)}"`,
    hint: 'Sign the image with a certificate of an authority that the operator trusts',
    details: { subject: oneLine(signer.subject), issuer: oneLine(signer.issuer) },
  });
}

/** Goes from issued to issuers, all ways at once; the shortest is the one that a path length allows. */
function leadsToTrusted(
  signer: X509Certificate,
  along: readonly X509Certificate[],
  { trusted, now }: Trust,
): boolean {
  const unseen = new Set([...trusted, ...along]);
  let reached: readonly X509Certificate[] = [signer];
  for (let between = 0; between <= MAX_DEPTH && reached.length > 0; between += 1) {
    if (reached.some((one) => trusted.some((anchor) => anchor.raw.equals(one.raw)))) return true;
    const issued = reached;
    reached = [...unseen].filter((issuer) =>
      issued.some((one) => hasIssued(issuer, one, between, now)),
    );
    for (const issuer of reached) unseen.delete(issuer);
  }
  return false;
}

/** `between` counts the authorities between the issuer and the signer. */
function hasIssued(
  issuer: X509Certificate,
  issued: X509Certificate,
  between: number,
  now: Date,
): boolean {
  try {
    // Names, key identifiers and the issuer's key usage; then the signature itself.
    if (!issuer.ca || !issued.checkIssued(issuer) || !isValidAt(issuer, now)) return false;
    const allowed = pathLength(issuer.raw) ?? Number.MAX_SAFE_INTEGER;
    return between <= allowed && issued.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

function isValidAt({ validFrom, validTo }: X509Certificate, now: Date): boolean {
  return Date.parse(validFrom) <= now.getTime() && now.getTime() <= Date.parse(validTo);
}

/** Names of a certificate come one part to a line. */
function oneLine(name: string): string {
  return name.split('\n').join(', ');
}
