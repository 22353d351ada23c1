import { describe, expect, it } from 'vitest';
import { ByteView, printable, quoted } from './byte-view.js';
import { crc32, crc32c } from './checksum.js';

describe('ByteView', () => {
  const view = new ByteView(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), 100);

  it('reads numbers of both byte orders', () => {
    expect([view.u16be(0), view.u16le(0), view.u32be(1), view.u32le(1)]).toEqual([
      0x0102, 0x0201, 0x02030405, 0x05040302,
    ]);
    expect([view.big64be(0), view.big64le(1)]).toEqual([0x0102030405060708n, 0x0908070605040302n]);
  });

  it('reads what is not there as 0 and empty', () => {
    expect([view.u8(9), view.u8(-1), view.u16le(8), view.u32be(6), view.u64le(2)]).toEqual([
      0, 0, 0, 0, 0,
    ]);
    expect([view.text(20, 5), view.guid(0), view.uuid(0), view.latin1(2 ** 60, 4)]).toEqual([
      '',
      '',
      '',
      '',
    ]);
    expect(view.slice(2 ** 63, 2 ** 63).length).toBe(0);
  });

  it('keeps the offset of a slice', () => {
    expect(view.slice(3, 4)).toMatchObject({ offset: 103, length: 4 });
  });
});

describe('printable', () => {
  it('drops control characters and what is behind 255 characters', () => {
    expect(printable('a\x1b[31m\n\u202eb\u0085 ')).toBe('a[31mb');
    expect(printable('x'.repeat(300))).toHaveLength(255);
    expect(printable(`${'x'.repeat(254)}😀`)).toHaveLength(254);
  });

  it('quotes', () => {
    expect(quoted('a"b')).toBe('"a\\"b"');
  });
});

describe('checksums', () => {
  it('give the check values of their catalogues', () => {
    const bytes = Buffer.from('123456789');
    expect([crc32(bytes), crc32c(bytes)]).toEqual([0xcbf43926, 0xe3069283]);
  });
});
