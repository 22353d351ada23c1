import { describe, expect, it } from 'vitest';
import { brokenRules, inspectBytes } from '../../test/support/images/inspect.js';
import { luks1Image, luks2Image } from '../../test/support/images/luks.js';

describe('luks', () => {
  it('describes version 1', () => {
    expect(inspectBytes(luks1Image())).toMatchObject({
      format: 'luks',
      subformat: 'luks1',
      virtualSize: 4096,
      safe: true,
      findings: [{ rule: 'encrypted', severity: 'note' }],
      metadata: { cipher: 'aes-xts-plain64', hash: 'sha256', key_bits: 512, payload_offset: 4096 },
    });
  });

  it('describes version 2', () => {
    expect(inspectBytes(luks2Image())).toMatchObject({
      subformat: 'luks2',
      virtualSize: 4096,
      safe: true,
      metadata: { cipher: 'aes-xts-plain64', payload_offset: 16384 },
    });
  });

  it('refuses version 3', () => {
    const bytes = luks1Image((writer) => writer.u16be(6, 3));
    expect(brokenRules(inspectBytes(bytes))).toEqual(['unsupported-version']);
  });

  it('refuses a detached header and a payload behind the end', () => {
    const rules = [0, 17].map((sectors) =>
      brokenRules(inspectBytes(luks1Image((writer) => writer.u32be(104, sectors)))),
    );
    expect(rules).toEqual([['incomplete-image'], ['outside-file']]);
  });

  it.each([
    ['a size of 2^64 - 512', { size: '18446744073709551104' }, 'virtual-size-limit'],
    ['an offset that is no number', { offset: 'x' }, 'virtual-size-limit'],
    ['a negative size', { size: '-4096' }, 'virtual-size-limit'],
    ['an endless size', { size: '1e400' }, 'virtual-size-limit'],
    ['an end behind the file', { size: '4097' }, 'outside-file'],
  ])('refuses a segment with %s', (_name, segment, rule) => {
    expect(brokenRules(inspectBytes(luks2Image(segment)))).toEqual([rule]);
  });

  it('refuses a wrong checksum and a header that is too long', () => {
    const bytes = luks2Image();
    bytes[5000] = 1;
    expect(brokenRules(inspectBytes(bytes))).toEqual(['header-checksum']);
    const long = luks2Image({}, (writer) => writer.u64be(8, 2n ** 40n));
    expect(brokenRules(inspectBytes(long))).toEqual(['header-malformed']);
  });
});
