/** Polynomials in their reversed form: IEEE 802.3 (GPT) and Castagnoli (VHDX). */
const IEEE = 0xedb88320;
const CASTAGNOLI = 0x82f63b78;

/** CRC-32 as GPT uses it. */
export function crc32(bytes: Uint8Array): number {
  return crc(IEEE_TABLE, bytes);
}

/** CRC-32C as VHDX uses it. */
export function crc32c(bytes: Uint8Array): number {
  return crc(CASTAGNOLI_TABLE, bytes);
}

/** The CRC of ECMA-167 7.2.6: polynomial x^16 + x^12 + x^5 + 1, from 0, not reflected. */
export function crc16(bytes: Uint8Array): number {
  let value = 0;
  for (const byte of bytes) {
    value ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) {
      value = (value & 0x8000 ? (value << 1) ^ 0x1021 : value << 1) & 0xffff;
    }
  }
  return value;
}

/** A copy of the bytes whose 32-bit field at `at` is 0, as checksums over their own field want it. */
export function withoutField(bytes: Uint8Array, at: number, length = 4): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.fill(0, at, at + length);
  return copy;
}

const IEEE_TABLE = table(IEEE);
const CASTAGNOLI_TABLE = table(CASTAGNOLI);

function crc(entries: Uint32Array, bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value = (entries[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8);
  }
  return (value ^ 0xffffffff) >>> 0;
}

function table(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit += 1) {
      value = value & 1 ? polynomial ^ (value >>> 1) : value >>> 1;
    }
    return value;
  });
}
