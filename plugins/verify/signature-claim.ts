import { RejectedError, SIGNATURE_PROPERTIES } from '../../core/api.js';
import type { Image } from '../../core/api.js';
import { KEY_TYPES } from './key-types.js';
import type { KeyType } from './key-types.js';

/** Node's names of what `img_signature_hash_method` may say. */
const HASHES: Readonly<Record<string, string>> = {
  'SHA-224': 'sha224',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Strict base64: what Node skips over would be a signature that is not the one that was given. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** What a signed image says of its signature. */
export interface SignatureClaim {
  readonly signature: Uint8Array;
  /** In Node's words. */
  readonly hash: string;
  readonly keyTypeName: string;
  readonly keyType: KeyType;
  /** Lower-case UUID. */
  readonly certificate: string;
}

/** @throws {RejectedError} `SIGNATURE_INCOMPLETE` · `SIGNATURE_MALFORMED` */
export function signatureClaim({ properties }: Pick<Image, 'properties'>): SignatureClaim {
  const missing = SIGNATURE_PROPERTIES.filter((name) => !properties[name]);
  if (missing.length > 0) {
    throw new RejectedError({
      code: 'SIGNATURE_INCOMPLETE',
      message: `The image is signed, but has no property "${missing.join('", "')}"`,
      hint: `A signed image has all of ${SIGNATURE_PROPERTIES.join(', ')}`,
      details: { missing },
    });
  }
  const [signature, method, keyTypeName, id] = SIGNATURE_PROPERTIES.map(
    (name) => properties[name] ?? '',
  ) as [string, string, string, string];
  const hash = HASHES[method];
  const keyType = KEY_TYPES.get(keyTypeName);
  const certificate = id.toLowerCase();
  if (hash === undefined) {
    throw malformed(
      'img_signature_hash_method',
      method,
      `one of ${Object.keys(HASHES).join(', ')}`,
    );
  }
  if (keyType === undefined) {
    const known = [...KEY_TYPES.keys()].join(', ');
    throw malformed('img_signature_key_type', keyTypeName, `one of ${known}`);
  }
  if (!UUID.test(certificate)) throw malformed('img_signature_certificate_uuid', id, 'a UUID');
  return { signature: decoded(signature), hash, keyTypeName, keyType, certificate };
}

function decoded(value: string): Uint8Array {
  // Line breaks are what `base64` and `openssl` put in.
  const text = value.replace(/\s+/g, '');
  if (text !== '' && BASE64.test(text)) return Buffer.from(text, 'base64');
  throw malformed('img_signature', `${value.slice(0, 24)}…`, 'base64');
}

function malformed(property: string, value: string, expected: string): RejectedError {
  return new RejectedError({
    code: 'SIGNATURE_MALFORMED',
    message: `The property "${property}" is "${value.slice(0, 80)}", and should be ${expected}`,
    hint: 'Correct the property, then send the image again',
    details: { property },
  });
}
