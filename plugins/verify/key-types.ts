import { constants } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { SignatureScheme } from './reading-protocol.js';

/** How signatures of one `img_signature_key_type` are verified. */
export interface KeyType {
  /** Node's names of the kinds of key that fit. */
  readonly keys: readonly string[];
  /** `hashBytes` is the length of the digest. `undefined` where the key is too small for it. */
  scheme(key: KeyObject, hashBytes: number): SignatureScheme | undefined;
}

/** DSA and ECDSA signatures are DER. */
const der = (keys: readonly string[]): KeyType => ({
  keys,
  scheme: () => ({ dsaEncoding: 'der' }),
});

/**
 * The names and rules of cursive, by which Nova verifies what it downloads: for RSA-PSS the mask is
 * MGF1 over the same hash, and the salt as long as it can be. The curve of a name is not held against
 * the key there, so it is not here.
 */
export const KEY_TYPES: ReadonlyMap<string, KeyType> = new Map<string, KeyType>([
  ['RSA-PSS', { keys: ['rsa', 'rsa-pss'], scheme: pss }],
  ['DSA', der(['dsa'])],
  ...['SECT571K1', 'SECT409K1', 'SECT571R1', 'SECT409R1', 'SECP521R1', 'SECP384R1'].map(
    (curve) => [`ECC_${curve}`, der(['ec'])] as const,
  ),
]);

/**
 * The salt that fills the encoded message (RFC 8017, 9.1.1). A shorter one would be accepted here by
 * a verifier that finds its length out, and refused by Nova.
 */
function pss(key: KeyObject, hashBytes: number): SignatureScheme | undefined {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  const saltLength = Math.ceil((bits - 1) / 8) - hashBytes - 2;
  if (saltLength < 0) return undefined;
  return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
}
