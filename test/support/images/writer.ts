/** Writes fields of an image that a test makes up. All methods change the bytes in place. */
export class Writer {
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.view = new DataView(this.bytes.buffer);
  }

  u8(at: number, value: number): this {
    this.view.setUint8(at, value);
    return this;
  }

  u16be(at: number, value: number): this {
    this.view.setUint16(at, value);
    return this;
  }

  u16le(at: number, value: number): this {
    this.view.setUint16(at, value, true);
    return this;
  }

  u32be(at: number, value: number): this {
    this.view.setUint32(at, value);
    return this;
  }

  u32le(at: number, value: number): this {
    this.view.setUint32(at, value, true);
    return this;
  }

  u64be(at: number, value: number | bigint): this {
    this.view.setBigUint64(at, BigInt(value));
    return this;
  }

  u64le(at: number, value: number | bigint): this {
    this.view.setBigUint64(at, BigInt(value), true);
    return this;
  }

  /** Writes one byte for each character. */
  text(at: number, text: string): this {
    this.bytes.set(Buffer.from(text, 'latin1'), at);
    return this;
  }

  set(at: number, bytes: Uint8Array): this {
    this.bytes.set(bytes, at);
    return this;
  }

  /** Writes a GUID in its mixed byte order. */
  guid(at: number, guid: string): this {
    const hex = Buffer.from(guid.replaceAll('-', ''), 'hex');
    const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    return this.set(
      at,
      Uint8Array.from(order, (from) => hex[from] ?? 0),
    );
  }

  apply(patch: Patch | undefined): this {
    patch?.(this);
    return this;
  }
}

/** A change to a header, made before its checksum is written. */
export type Patch = (writer: Writer) => void;

/** A header field that holds a length, a count or an offset. */
export type LengthField = {
  readonly name: string;
  readonly at: number;
  readonly type: 'u8' | 'u16be' | 'u16le' | 'u32be' | 'u32le' | 'u64be' | 'u64le';
};

/** Sets one field to a value, cut to its width. */
export function setField({ at, type }: LengthField, value: bigint): Patch {
  const bits = Number(type.replace(/[^0-9]/g, ''));
  const cut = BigInt.asUintN(bits, value);
  return (writer) => {
    if (type === 'u64be' || type === 'u64le') writer[type](at, cut);
    else writer[type](at, Number(cut));
  };
}
