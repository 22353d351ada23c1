const MAX_TEXT = 255;

/**
 * Bounded reading of a piece of the stream. A number that lies partly or wholly behind the end of
 * the piece reads as 0 and a text as empty, so that no header can make a reader throw; whoever
 * needs to know compares `length`.
 */
export class ByteView {
  private readonly view: DataView;

  /** `offset` is where in the stream the piece starts. The bytes are not copied. */
  constructor(
    readonly bytes: Uint8Array,
    readonly offset: number,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  u8(at: number): number {
    return this.has(at, 1) ? this.view.getUint8(at) : 0;
  }

  u16be(at: number): number {
    return this.has(at, 2) ? this.view.getUint16(at) : 0;
  }

  u16le(at: number): number {
    return this.has(at, 2) ? this.view.getUint16(at, true) : 0;
  }

  u32be(at: number): number {
    return this.has(at, 4) ? this.view.getUint32(at) : 0;
  }

  u32le(at: number): number {
    return this.has(at, 4) ? this.view.getUint32(at, true) : 0;
  }

  /** Rounded where it is above 2^53: comparing it stays right, since rounding keeps the order. */
  u64be(at: number): number {
    return Number(this.big64be(at));
  }

  /** Rounded where it is above 2^53: comparing it stays right, since rounding keeps the order. */
  u64le(at: number): number {
    return Number(this.big64le(at));
  }

  big64be(at: number): bigint {
    return this.has(at, 8) ? this.view.getBigUint64(at) : 0n;
  }

  big64le(at: number): bigint {
    return this.has(at, 8) ? this.view.getBigUint64(at, true) : 0n;
  }

  /** The part of the piece in `[at, at + length)`, shorter where the piece ends. */
  slice(at: number, length: number): ByteView {
    const start = clamp(at, this.length);
    const end = clamp(at + length, this.length);
    return new ByteView(this.bytes.subarray(start, Math.max(start, end)), this.offset + start);
  }

  /** Whether the bytes at `at` are these characters (codes 0 to 255). */
  startsWith(signature: string, at = 0): boolean {
    return this.has(at, signature.length) && this.latin1(at, signature.length) === signature;
  }

  /** One character for each byte, unchanged. */
  latin1(at = 0, length = this.length): string {
    const { bytes } = this.slice(at, length);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  }

  /** Text of an untrusted field: see {@link printable}. Ends before the first NUL. */
  text(at: number, length: number): string {
    const { bytes } = this.slice(at, length);
    const nul = bytes.indexOf(0);
    return printable(Buffer.from(nul < 0 ? bytes : bytes.subarray(0, nul)).toString('utf8'));
  }

  /** Whether all bytes of `[at, at + length)` that exist are 0. */
  isZero(at = 0, length = this.length): boolean {
    return this.slice(at, length).bytes.every((byte) => byte === 0);
  }

  /** A GUID whose first three fields are little-endian, as Microsoft and UEFI store it. */
  guid(at: number): string {
    if (!this.has(at, 16)) return '';
    const [a, b, c] = [this.u32le(at), this.u16le(at + 4), this.u16le(at + 6)];
    return [hex(a, 8), hex(b, 4), hex(c, 4), this.hex(at + 8, 2), this.hex(at + 10, 6)].join('-');
  }

  /** A UUID in the byte order of RFC 9562. */
  uuid(at: number): string {
    if (!this.has(at, 16)) return '';
    const lengths = [4, 2, 2, 2, 6];
    let from = at;
    return lengths.map((length) => this.hex((from += length) - length, length)).join('-');
  }

  private hex(at: number, length: number): string {
    return Buffer.from(this.slice(at, length).bytes).toString('hex');
  }

  private has(at: number, length: number): boolean {
    return at >= 0 && at + length <= this.length;
  }
}

/** Makes untrusted text fit for a row and a screen: no control characters, ≤ 255 characters. */
export function printable(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu, '')
    .trim()
    .slice(0, MAX_TEXT)
    .replace(/[\uD800-\uDBFF]$/, '');
}

/** An untrusted string as a message quotes it. */
export function quoted(text: string): string {
  return JSON.stringify(printable(text));
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

function clamp(at: number, length: number): number {
  return Math.min(Math.max(at, 0), length);
}
