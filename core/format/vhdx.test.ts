import { describe, expect, it } from 'vitest';
import { brokenRules, inspectBytes } from '../../test/support/images/inspect.js';
import { VHDX_ITEMS, vhdxImage } from '../../test/support/images/vhdx.js';
import type { Patch } from '../../test/support/images/writer.js';

const KIB = 1024;
const MIB = KIB * KIB;

describe('vhdx', () => {
  it('describes an image', () => {
    expect(inspectBytes(vhdxImage())).toEqual({
      format: 'vhdx',
      subformat: 'dynamic',
      virtualSize: 4 * MIB,
      size: 4 * MIB,
      safe: true,
      findings: [],
      metadata: {
        creator: 'Stow',
        block_size: MIB,
        logical_sector_size: 512,
        has_parent: false,
        has_pending_log: false,
      },
    });
  });

  it('reads the second header and region table where the first ones are damaged', () => {
    const bytes = vhdxImage();
    bytes[64 * KIB + 9] = 1;
    bytes[192 * KIB + 9] = 1;
    expect(inspectBytes(bytes)).toMatchObject({ safe: true, virtualSize: 4 * MIB });
  });

  it('takes the header with the highest sequence number', () => {
    const patch: Patch = (writer) => {
      writer.u64le(128 * KIB + 8, 9).u8(128 * KIB + 48, 1);
    };
    expect(brokenRules(inspectBytes(vhdxImage(patch)))).toEqual(['pending-log']);
  });

  const hostile: readonly (readonly [string, string, Patch])[] = [
    ['a parent', 'parent-image', (writer) => writer.u32le(VHDX_ITEMS.parameters + 4, 2)],
    [
      'blocks of 3 MiB',
      'header-malformed',
      (writer) => writer.u32le(VHDX_ITEMS.parameters, 3 * MIB),
    ],
    [
      'sectors of 513 bytes',
      'header-malformed',
      (writer) => writer.u32le(VHDX_ITEMS.sectorSize, 513),
    ],
    [
      'a size of 65 TiB',
      'virtual-size-limit',
      (writer) => writer.u64le(VHDX_ITEMS.virtualSize, 65n << 40n),
    ],
    [
      'half a sector',
      'header-malformed',
      (writer) => writer.u64le(VHDX_ITEMS.virtualSize, 4 * MIB - 256),
    ],
    [
      'a BAT that is too short',
      'header-malformed',
      (writer) => writer.u64le(VHDX_ITEMS.virtualSize, 1n << 40n),
    ],
    ['a log to replay', 'pending-log', (writer) => writer.u8(64 * KIB + 48, 1)],
    ['a log behind the end', 'outside-file', (writer) => writer.u64le(64 * KIB + 72, 8 * MIB)],
    ['version 2', 'unsupported-version', (writer) => writer.u16le(64 * KIB + 66, 2)],
    ['an unknown region', 'unknown-features', (writer) => writer.u8(192 * KIB + 16, 0)],
    [
      'a BAT off its place',
      'header-malformed',
      (writer) => writer.u64le(192 * KIB + 32, 3 * MIB + 512),
    ],
    ['a BAT behind the end', 'outside-file', (writer) => writer.u64le(192 * KIB + 32, 8 * MIB)],
    ['metadata behind the end', 'outside-file', (writer) => writer.u64le(192 * KIB + 64, 8 * MIB)],
    ['an unknown metadata item', 'unknown-features', (writer) => writer.u8(2 * MIB + 96, 0)],
    ['no virtual size', 'header-malformed', (writer) => writer.u8(2 * MIB + 64, 0)],
  ];

  it.each(hostile)('refuses %s by the rule %s', (_name, rule, patch) => {
    expect(brokenRules(inspectBytes(vhdxImage(patch)))).toContain(rule);
  });

  it('refuses an image whose headers are both damaged', () => {
    const bytes = vhdxImage();
    bytes[64 * KIB + 9] = 1;
    bytes[128 * KIB + 9] = 1;
    expect(brokenRules(inspectBytes(bytes))).toEqual(['header-checksum']);
  });

  it('refuses a file that ends before its region table', () => {
    expect(brokenRules(inspectBytes(vhdxImage().subarray(0, 192 * KIB)))).toContain('truncated');
  });
});
