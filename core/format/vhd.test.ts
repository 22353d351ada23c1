import { describe, expect, it } from 'vitest';
import { brokenRules, inspectBytes } from '../../test/support/images/inspect.js';
import { vhdDynamic, vhdFixed, vhdFooter } from '../../test/support/images/vhd.js';
import type { Patch } from '../../test/support/images/writer.js';

const payload = new Uint8Array(8192);

describe('vhd', () => {
  it('describes a fixed image by its footer', () => {
    expect(inspectBytes(vhdFixed(payload))).toEqual({
      format: 'vhd',
      subformat: 'fixed',
      virtualSize: 8192,
      size: 8704,
      safe: true,
      findings: [],
      metadata: {
        type: 'fixed',
        creator_application: 'win',
        creator_version: '10.0',
        creator_host_os: 'Wi2k',
        current_size: 8192,
        geometry: { cylinders: 0, heads: 4, sectors: 17 },
        uuid: '00000000-0000-0000-0000-000000000000',
      },
    });
  });

  it('takes the geometry for the size where the creator does', () => {
    const virtualSize = 1024 * 1024;
    const bytes = vhdDynamic({ virtualSize, creator: 'vpc ' });
    expect(inspectBytes(bytes).virtualSize).toBe(30 * 4 * 17 * 512);
  });

  it('takes the current size where the geometry is the highest', () => {
    const patch: Patch = (writer) => writer.u16be(56, 65535).u8(58, 16).u8(59, 255);
    expect(inspectBytes(vhdDynamic({ creator: 'qemu', patch })).virtualSize).toBe(1024 * 1024);
  });

  it('finds a footer of 511 bytes', () => {
    const bytes = vhdFixed(payload);
    expect(inspectBytes(bytes.subarray(0, bytes.length - 1))).toMatchObject({
      format: 'vhd',
      safe: true,
    });
  });

  it('takes a last sector that only starts with the cookie for raw', () => {
    const bytes = Buffer.concat([payload, Buffer.from('conectix'.padEnd(512, '\0'))]);
    expect(inspectBytes(bytes)).toMatchObject({ format: 'raw', safe: true });
  });

  it('refuses a fixed image that is shorter than its footer says', () => {
    const bytes = vhdFixed(payload, { virtualSize: 8704 });
    expect(brokenRules(inspectBytes(bytes))).toEqual(['truncated']);
  });

  it('refuses a dynamic image without its last footer', () => {
    const bytes = vhdDynamic();
    expect(brokenRules(inspectBytes(bytes.subarray(0, bytes.length - 512)))).toEqual(['truncated']);
  });

  it('refuses a dynamic image without its first footer', () => {
    const bytes = vhdDynamic();
    bytes.fill(0, 0, 512);
    expect(brokenRules(inspectBytes(bytes))).toEqual(['header-malformed']);
  });

  it('refuses footers that disagree', () => {
    const bytes = vhdDynamic();
    bytes.set(vhdFooter(3, { virtualSize: 900 * 1024 * 1024 }), bytes.length - 512);
    expect(inspectBytes(bytes).findings.map(({ rule, message }) => [rule, message])).toEqual([
      ['copies-differ', 'The footers at offset 0 and 2048 differ in the current size'],
      ['copies-differ', 'The footers at offset 0 and 2048 differ in the geometry'],
    ]);
  });

  it('refuses a wrong checksum of a footer and of a dynamic header', () => {
    for (const at of [100, 612]) {
      const bytes = vhdDynamic();
      bytes[at] = 1;
      expect(brokenRules(inspectBytes(bytes))).toContain('header-checksum');
    }
  });

  const footers: readonly (readonly [string, string, Patch])[] = [
    ['a differencing disk', 'parent-image', (writer) => writer.u32be(60, 4)],
    ['disk type 7', 'unknown-features', (writer) => writer.u32be(60, 7)],
    ['version 2', 'unsupported-version', (writer) => writer.u32be(12, 0x00020000)],
    [
      'a size above 2040 GiB',
      'virtual-size-limit',
      (writer) => writer.u64be(48, 2041n * 2n ** 30n),
    ],
    ['a header behind the end', 'outside-file', (writer) => writer.u64be(16, 2n ** 62n)],
    ['a footer in place of the header', 'header-malformed', (writer) => writer.u64be(16, 0)],
  ];

  it.each(footers)('refuses %s by the rule %s', (_name, rule, patch) => {
    expect(brokenRules(inspectBytes(vhdDynamic({ patch })))).toContain(rule);
  });

  const headers: readonly (readonly [string, string, Patch])[] = [
    ['blocks of 0 bytes', 'header-malformed', (writer) => writer.u32be(32, 0)],
    ['a table that is too short', 'header-malformed', (writer) => writer.u32be(28, 0)],
    ['2^32 - 1 entries', 'header-malformed', (writer) => writer.u32be(28, 0xffffffff)],
    ['a table behind the end', 'outside-file', (writer) => writer.u64be(16, 2n ** 62n)],
    ['header version 2', 'unsupported-version', (writer) => writer.u32be(24, 0x00020000)],
  ];

  it.each(headers)('refuses %s by the rule %s', (_name, rule, patchDynamic) => {
    expect(brokenRules(inspectBytes(vhdDynamic({ patchDynamic })))).toContain(rule);
  });
});
