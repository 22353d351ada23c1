/** A digest that bytes must have. */
export type Checksum = {
  /** Node's name. */
  readonly algorithm: string;
  /** Hex digits in lower case. */
  readonly value: string;
};

/** Hex digits of a digest by algorithm, the strongest first. */
const LENGTHS: ReadonlyMap<string, number> = new Map([
  ['sha512', 128],
  ['sha384', 96],
  ['sha256', 64],
  ['sha224', 56],
  ['sha1', 40],
  ['md5', 32],
]);

/** Reads `sha256:0123…`; `undefined` for anything else. */
export function parseChecksum(text: string): Checksum | undefined {
  const [algorithm = '', value = '', ...rest] = text.toLowerCase().split(':');
  return rest.length === 0 ? checksumOf(algorithm, value) : undefined;
}

/** A digest in hex under the name of its algorithm, if it is one. */
export function checksumOf(algorithm: string, hex: string): Checksum | undefined {
  const value = hex.toLowerCase();
  const isDigest = LENGTHS.get(algorithm) === value.length && /^[0-9a-f]+$/.test(value);
  return isDigest ? { algorithm, value } : undefined;
}

/** The algorithm whose digests have this many hex digits. */
export function algorithmOfLength(length: number): string | undefined {
  return [...LENGTHS].find(([, digits]) => digits === length)?.[0];
}

/** The checksum of the strongest algorithm. */
export function strongest(checksums: readonly Checksum[]): Checksum | undefined {
  const order = [...LENGTHS.keys()];
  return checksums.toSorted((a, b) => order.indexOf(a.algorithm) - order.indexOf(b.algorithm))[0];
}
