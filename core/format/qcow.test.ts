import { describe, expect, it } from 'vitest';
import { brokenRules, inspectBytes } from '../../test/support/images/inspect.js';
import { qcowImage, qedImage } from '../../test/support/images/qcow.js';
import { withBackingFile } from '../../test/support/images/qcow2.js';
import type { Patch } from '../../test/support/images/writer.js';

describe('qcow', () => {
  it('describes an image', () => {
    expect(inspectBytes(qcowImage())).toMatchObject({
      format: 'qcow',
      virtualSize: 1048576,
      safe: true,
      metadata: { version: 1, cluster_size: 4096, encryption: 'none' },
    });
  });

  const hostile: readonly (readonly [string, string, Patch])[] = [
    ['a backing file', 'backing-file', withBackingFile('/etc/passwd')],
    ['cluster bits 30', 'header-malformed', (writer) => writer.u8(32, 30)],
    ['L2 bits 30', 'header-malformed', (writer) => writer.u8(33, 30)],
    ['a size of 2^63', 'virtual-size-limit', (writer) => writer.u64be(24, 2n ** 63n)],
    ['an L1 table behind the end', 'outside-file', (writer) => writer.u64be(40, 8192)],
    ['encryption 7', 'header-malformed', (writer) => writer.u32be(36, 7)],
  ];

  it.each(hostile)('refuses %s by the rule %s', (_name, rule, patch) => {
    expect(brokenRules(inspectBytes(qcowImage(patch)))).toContain(rule);
  });
});

describe('qed', () => {
  it('describes an image', () => {
    expect(inspectBytes(qedImage())).toMatchObject({
      format: 'qed',
      virtualSize: 1048576,
      safe: true,
      metadata: { cluster_size: 4096, table_size: 1 },
    });
  });

  const hostile: readonly (readonly [string, string, Patch])[] = [
    ['a backing file', 'backing-file', (writer) => writer.u64le(16, 1).u32le(56, 64).u32le(60, 4)],
    ['feature bit 9', 'unknown-features', (writer) => writer.u64le(16, 512)],
    ['clusters of 3 bytes', 'header-malformed', (writer) => writer.u32le(4, 3)],
    ['a size of half a sector', 'header-malformed', (writer) => writer.u64le(48, 256)],
    ['tables of 17 clusters', 'header-malformed', (writer) => writer.u32le(8, 17)],
    ['a size of 2^63', 'virtual-size-limit', (writer) => writer.u64le(48, 2n ** 63n)],
    ['an L1 table behind the end', 'outside-file', (writer) => writer.u64le(40, 8192)],
  ];

  it.each(hostile)('refuses %s by the rule %s', (_name, rule, patch) => {
    expect(brokenRules(inspectBytes(qedImage(patch)))).toContain(rule);
  });
});
