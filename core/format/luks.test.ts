import { describe, expect, it } from 'vitest';
import { brokenRules, inspectBytes } from '../../test/support/images/inspect.js';
import { luks1Image, luks2Image, type Luks2Options } from '../../test/support/images/luks.js';
import type { Patch } from '../../test/support/images/writer.js';

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
      metadata: { cipher: 'aes-xts-plain64', payload_offset: 32768 },
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

  const slots: readonly (readonly [string, string, Patch])[] = [
    ['an unknown state', 'header-malformed', (writer) => writer.u32be(208, 0)],
    ['its end behind the file', 'outside-file', (writer) => writer.u32be(248, 16)],
    ['its end in the payload', 'header-malformed', (writer) => writer.u32be(248, 8)],
    ['no key bytes', 'header-malformed', (writer) => writer.u32be(108, 0)],
    ['2^32 - 1 stripes', 'outside-file', (writer) => writer.u32be(252, 0xffffffff)],
  ];

  it.each(slots)('refuses a key slot with %s by the rule %s', (_name, rule, patch) => {
    expect(brokenRules(inspectBytes(luks1Image(patch)))).toEqual([rule]);
  });

  it.each([
    ['a size of 2^64 - 512', { size: '18446744073709551104' }, 'virtual-size-limit'],
    ['an offset that is no number', { offset: 'x' }, 'virtual-size-limit'],
    ['a negative size', { size: '-4096' }, 'virtual-size-limit'],
    ['an endless size', { size: '1e400' }, 'virtual-size-limit'],
    ['an end behind the file', { size: '4097' }, 'outside-file'],
    ['no place in the file', { offset: '0' }, 'incomplete-image'],
    ['a place in the second header', { offset: '32767' }, 'header-malformed'],
    ['another type', { type: 'hw-opal' }, 'unknown-features'],
  ])('refuses a segment with %s', (_name, segment, rule) => {
    expect(brokenRules(inspectBytes(luks2Image({ segment })))).toEqual([rule]);
  });

  const headers: readonly (readonly [string, string, Luks2Options])[] = [
    ['a length of 2^40', 'header-malformed', { patch: (writer) => writer.u64be(8, 2n ** 40n) }],
    ['a length of 16385', 'header-malformed', { patch: (writer) => writer.u64be(8, 16385) }],
    ['another place', 'header-malformed', { patch: (writer) => writer.u64be(256, 4096) }],
    [
      'an unknown checksum',
      'unknown-features',
      { patch: (writer) => writer.text(72, 'md5\0\0\0') },
    ],
    ['an older number', 'copies-differ', { patch: (writer) => writer.u64be(16, 2) }],
    ['no JSON', 'header-malformed', { patch: (writer) => writer.text(4096, 'x') }],
    ['no segments', 'header-malformed', { json: { segments: {} } }],
    [
      'a requirement',
      'unknown-features',
      { json: { config: { requirements: { mandatory: ['x'] } } } },
    ],
    ['endless JSON', 'header-malformed', { json: { x: 'x'.repeat(40_000) }, headerLength: 65536 }],
  ];

  it.each(headers)('refuses a header with %s by the rule %s', (_name, rule, options) => {
    expect(brokenRules(inspectBytes(luks2Image(options)))).toEqual([rule]);
  });

  it('refuses a wrong checksum, of the longest header too', () => {
    for (const headerLength of [16384, 4 * 1024 * 1024]) {
      const bytes = luks2Image({ headerLength });
      expect(inspectBytes(bytes, 70_000)).toMatchObject({ safe: true, virtualSize: 4096 });
      bytes[headerLength - 1] = 1;
      expect(brokenRules(inspectBytes(bytes, 70_000))).toEqual(['header-checksum']);
    }
  });

  it('refuses a volume that ends inside its header', () => {
    for (const length of [4000, 16000]) {
      expect(brokenRules(inspectBytes(luks2Image().subarray(0, length)))).toContain('truncated');
    }
  });
});
