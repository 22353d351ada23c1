/** Object identifier of the extension BasicConstraints, 2.5.29.19, as it is encoded. */
const BASIC_CONSTRAINTS = Buffer.from([0x55, 0x1d, 0x13]);

/** Tags of DER. */
const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const EXTENSIONS = 0xa3;

interface Value {
  readonly tag: number;
  readonly content: Buffer;
}

/**
 * How many certificates of authorities may stand between this one and a signer's, where it says so:
 * `pathLenConstraint` (RFC 5280, 4.2.1.9), which Node does not tell.
 * @throws {RangeError} for what is no certificate in DER
 */
export function pathLength(certificate: Buffer): number | undefined {
  const [whole] = valuesIn(certificate);
  const [signed] = valuesIn(whole?.content);
  const extensions = valuesIn(signed?.content).find(({ tag }) => tag === EXTENSIONS);
  const [list] = valuesIn(extensions?.content);
  for (const { content } of valuesIn(list?.content)) {
    const [id, ...rest] = valuesIn(content);
    if (id?.content.equals(BASIC_CONSTRAINTS) !== true) continue;
    const value = rest.find(({ tag }) => tag === OCTET_STRING);
    const [constraints] = valuesIn(value?.content);
    const length = valuesIn(constraints?.content).find(({ tag }) => tag === INTEGER);
    return length?.content.readUIntBE(0, Math.min(length.content.length, 6));
  }
  return undefined;
}

/** The values that stand one after another in some bytes. */
function valuesIn(bytes: Buffer | undefined): readonly Value[] {
  const values: Value[] = [];
  for (let at = 0; bytes !== undefined && at < bytes.length;) {
    const tag = bytes.readUInt8(at);
    const short = bytes.readUInt8(at + 1);
    const lengthBytes = short < 0x80 ? 0 : short & 0x7f;
    const length = lengthBytes === 0 ? short : bytes.readUIntBE(at + 2, lengthBytes);
    const start = at + 2 + lengthBytes;
    at = start + length;
    if (at > bytes.length) throw new RangeError('A value reaches beyond its end');
    values.push({ tag, content: bytes.subarray(start, at) });
  }
  return values;
}
