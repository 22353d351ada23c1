import { describe, expect, it } from 'vitest';
import { brokenRules, inspectBytes } from '../../test/support/images/inspect.js';
import { vdiImage } from '../../test/support/images/vdi.js';
import type { Patch } from '../../test/support/images/writer.js';

describe('vdi', () => {
  it('describes an image', () => {
    expect(inspectBytes(vdiImage())).toEqual({
      format: 'vdi',
      subformat: 'dynamic',
      virtualSize: 4194304,
      size: 1024,
      safe: true,
      findings: [],
      metadata: {
        version: '1.1',
        type: 'dynamic',
        creator: '<<< Oracle VM VirtualBox Disk Image >>>',
        block_size: 1048576,
        block_count: 4,
        allocated_blocks: 0,
        sector_size: 512,
        uuid: '00000000-0000-0000-0000-000000000000',
      },
    });
  });

  const hostile: readonly (readonly [string, string, Patch])[] = [
    ['an undo image', 'parent-image', (writer) => writer.u32le(76, 3)],
    ['a differencing image', 'parent-image', (writer) => writer.u32le(76, 4)],
    ['a parent of a dynamic image', 'parent-image', (writer) => writer.u8(424, 1)],
    ['type 9', 'unknown-features', (writer) => writer.u32le(76, 9)],
    ['version 0.1', 'unsupported-version', (writer) => writer.u32le(68, 1)],
    ['blocks of 3 bytes', 'header-malformed', (writer) => writer.u32le(376, 3)],
    ['too few blocks', 'header-malformed', (writer) => writer.u32le(384, 3)],
    ['a size of 2^63', 'virtual-size-limit', (writer) => writer.u64le(368, 2n ** 63n)],
    [
      'a block map behind the end',
      'outside-file',
      (writer) => writer.u32le(340, 1020).u32le(344, 4096),
    ],
    ['a block map in the data', 'header-malformed', (writer) => writer.u32le(344, 512)],
    ['missing blocks', 'truncated', (writer) => writer.u32le(388, 1)],
    ['more blocks than there are', 'header-malformed', (writer) => writer.u32le(388, 5)],
  ];

  it.each(hostile)('refuses %s by the rule %s', (_name, rule, patch) => {
    expect(brokenRules(inspectBytes(vdiImage(patch)))).toContain(rule);
  });
});
