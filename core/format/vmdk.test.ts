import { describe, expect, it } from 'vitest';
import { brokenRules, inspectBytes } from '../../test/support/images/inspect.js';
import { vmdkDescriptor, vmdkSparse, vmdkStream } from '../../test/support/images/vmdk.js';
import { Writer, type Patch } from '../../test/support/images/writer.js';

function inspectText(text: string): ReturnType<typeof inspectBytes> {
  return inspectBytes(Buffer.from(text));
}

describe('vmdk, monolithicSparse', () => {
  it('describes an image', () => {
    expect(inspectBytes(vmdkSparse())).toEqual({
      format: 'vmdk',
      subformat: 'monolithicSparse',
      virtualSize: 1048576,
      size: 65536,
      safe: true,
      findings: [],
      metadata: {
        version: 1,
        grain_size: 65536,
        compressed: false,
        create_type: 'monolithicSparse',
        cid: '0badcafe',
        parent_cid: 'ffffffff',
        adapter_type: 'lsilogic',
        hw_version: '8',
        extent_count: 1,
        ddb: { virtualHWVersion: '8', adapterType: 'lsilogic' },
      },
    });
  });

  const sparse = { createType: 'monolithicSparse', extents: ['RW 2048 SPARSE "disk.vmdk"'] };
  const descriptors: readonly (readonly [string, string, string])[] = [
    ['another createType', 'create-type', vmdkDescriptor({ ...sparse, createType: 'vmfs' })],
    [
      'a flat extent',
      'external-extents',
      vmdkDescriptor({ ...sparse, extents: ['RW 2048 FLAT "x" 0'] }),
    ],
    [
      'two extents',
      'external-extents',
      vmdkDescriptor({ ...sparse, extents: [...sparse.extents, 'rw 1 ZERO'] }),
    ],
    [
      'an extent by a path',
      'external-extents',
      vmdkDescriptor({ ...sparse, extents: ['RW 2048 SPARSE "../disk.vmdk"'] }),
    ],
    ['no extent', 'header-malformed', vmdkDescriptor({ ...sparse, extents: [] })],
    [
      'an extent of another size',
      'copies-differ',
      vmdkDescriptor({ ...sparse, extents: ['RW 4096 SPARSE "disk.vmdk"'] }),
    ],
    ['a parent CID', 'parent-image', vmdkDescriptor({ ...sparse, parentCid: '12345678' })],
    [
      'two createTypes',
      'copies-differ',
      vmdkDescriptor({ ...sparse, lines: ['# createType="monolithicFlat"'] }),
    ],
    [
      'two parent CIDs',
      'copies-differ',
      vmdkDescriptor({ ...sparse, lines: ['ddb.comment = "parentCID=12345678"'] }),
    ],
    [
      'an extent whose count has a sign',
      'header-malformed',
      vmdkDescriptor({ ...sparse, lines: ['RW +2048 FLAT "/etc/passwd" 0'] }),
    ],
    [
      'a parent file without a CID',
      'parent-image',
      vmdkDescriptor({ ...sparse, lines: ['  ParentFileNameHint="base.vmdk"'] }),
    ],
  ];

  it.each(descriptors)('refuses %s by the rule %s', (_name, rule, descriptor) => {
    expect(brokenRules(inspectBytes(vmdkSparse({ descriptor })))).toContain(rule);
  });

  const headers: readonly (readonly [string, string, Patch])[] = [
    ['version 4', 'unsupported-version', (writer) => writer.u32le(4, 4)],
    ['no capacity', 'header-malformed', (writer) => writer.u64le(12, 0)],
    ['a capacity of 2^54', 'virtual-size-limit', (writer) => writer.u64le(12, 2n ** 54n)],
    ['grains of 3 sectors', 'header-malformed', (writer) => writer.u64le(20, 3)],
    ['grain tables of 0 entries', 'header-malformed', (writer) => writer.u32le(44, 0)],
    ['a directory behind the end', 'outside-file', (writer) => writer.u64le(56, 128)],
    [
      'a redundant directory behind the end',
      'outside-file',
      (writer) => writer.u32le(8, 3).u64le(48, 128),
    ],
    ['missing metadata', 'truncated', (writer) => writer.u64le(64, 129)],
    ['changed line ends', 'header-malformed', (writer) => writer.text(73, '\n \n\n')],
    ['compression 2', 'unknown-features', (writer) => writer.u16le(77, 2)],
    ['no descriptor', 'incomplete-image', (writer) => writer.u64le(28, 0)],
    ['a descriptor at sector 2', 'header-malformed', (writer) => writer.u64le(28, 2)],
    ['a descriptor of 2^40 sectors', 'header-malformed', (writer) => writer.u64le(36, 2n ** 40n)],
  ];

  it.each(headers)('refuses %s by the rule %s', (_name, rule, patch) => {
    expect(brokenRules(inspectBytes(vmdkSparse({ patch })))).toContain(rule);
  });

  it('finds a parent at sector 1 though the header points elsewhere', () => {
    const descriptor = vmdkDescriptor({ ...sparse });
    const patch: Patch = (writer) => {
      writer.u64le(28, 64).text(64 * 512, descriptor);
      writer.bytes.fill(0, 512, 512 + 2048);
      writer.text(512, 'parentFileNameHint="/etc/passwd"');
    };
    expect(brokenRules(inspectBytes(vmdkSparse({ patch })))).toEqual([
      'header-malformed',
      'parent-image',
    ]);
  });

  it('takes two mentions of a key with one value for one', () => {
    const descriptor = vmdkDescriptor({ ...sparse, lines: ['# createType="monolithicSparse"'] });
    expect(inspectBytes(vmdkSparse({ descriptor })).findings).toEqual([]);
  });

  it('keeps little of a descriptor of thousands of lines', () => {
    const lines = Array.from({ length: 3000 }, (_, index) => `RW 1 FLAT "f${index}"`);
    const descriptor = vmdkDescriptor({ ...sparse, extents: lines }).slice(0, 60_000);
    const patch: Patch = (writer) => writer.u64le(36, 120);
    const { findings, metadata } = inspectBytes(vmdkSparse({ descriptor, patch }));
    expect(metadata['extent_count']).toBe(3000);
    expect(findings.filter(({ rule }) => rule === 'external-extents')).toHaveLength(9);
  });
});

describe('vmdk, streamOptimized', () => {
  it('describes an image by its footer', () => {
    expect(inspectBytes(vmdkStream())).toMatchObject({
      subformat: 'streamOptimized',
      virtualSize: 1048576,
      safe: true,
      metadata: { compressed: true },
    });
  });

  it('refuses a stream without its footer', () => {
    const bytes = vmdkStream();
    expect(brokenRules(inspectBytes(bytes.subarray(0, bytes.length - 512)))).toEqual(['truncated']);
  });

  it('refuses a footer that differs from the header', () => {
    const bytes = vmdkStream({ patch: (writer) => writer.u64le(12, 4096) });
    expect(inspectBytes(bytes).findings).toEqual([
      expect.objectContaining({
        rule: 'copies-differ',
        message: 'Header and footer differ in the capacity',
      }),
    ]);
  });

  it('refuses a footer of another version, and markers with hidden bytes', () => {
    const other = vmdkStream({ patch: (writer) => writer.u32le(4, 3) });
    expect(brokenRules(inspectBytes(other))).toEqual(['copies-differ']);
    for (const fromEnd of [1, 2 * 512 + 1]) {
      const bytes = vmdkStream();
      bytes[bytes.length - fromEnd] = 1;
      expect(brokenRules(inspectBytes(bytes))).toEqual(['truncated']);
    }
  });

  it('refuses a path of its extent', () => {
    const descriptor = vmdkDescriptor({
      createType: 'streamOptimized',
      extents: ['RDONLY 2048 SPARSE "/vmfs/disk.vmdk"'],
    });
    expect(brokenRules(inspectBytes(vmdkStream({ descriptor })))).toEqual(['extent-path']);
  });
});

describe('vmdk, other types', () => {
  it.each(['monolithicFlat', 'twoGbMaxExtentFlat', 'vmfs', 'fullDevice', 'custom'])(
    'refuses a descriptor of the type %s',
    (createType) => {
      const result = inspectText(vmdkDescriptor({ createType }));
      expect(result).toMatchObject({ format: 'vmdk', subformat: createType, virtualSize: 1048576 });
      expect(brokenRules(result)).toEqual(['create-type', 'external-extents']);
    },
  );

  it.each([
    ['comments and spaces first', '# one\n#two\n   \nversion=1\nRW 1 FLAT "/etc/passwd" 0\n'],
    ['CRLF', '# Disk DescriptorFile\r\nversion=1\r\nRW 1 FLAT "/etc/passwd" 0\r\n'],
    ['a NUL in a comment', '# \0\nversion=1\n'],
    ['no version', '# Disk DescriptorFile\nRW 1 FLAT "/etc/passwd" 0\n'],
  ])('recognises a descriptor with %s', (_name, text) => {
    const result = inspectText(text);
    expect(result.format).toBe('vmdk');
    expect(brokenRules(result)).toContain('create-type');
  });

  it('bears an extent of more sectors than there are numbers', () => {
    const extents = [`RW ${'9'.repeat(400)} FLAT "x" 0`];
    const result = inspectText(vmdkDescriptor({ extents }));
    expect(result).not.toHaveProperty('virtualSize');
    expect(brokenRules(result)).toContain('virtual-size-limit');
  });

  it('takes a script for raw', () => {
    expect(inspectText('#!/bin/sh\necho version=1\n')).toMatchObject({ format: 'raw', safe: true });
  });

  it('refuses extents of ESX servers', () => {
    const cowd = new Writer(512).text(0, 'COWD').u32le(12, 2048).bytes;
    const seSparse = new Writer(512).u64le(0, 0xcafebabe).u64le(16, 2048).bytes;
    for (const [bytes, subformat] of [
      [cowd, 'vmfsSparse'],
      [seSparse, 'seSparse'],
    ] as const) {
      const result = inspectBytes(bytes);
      expect(result).toMatchObject({
        format: 'vmdk',
        subformat,
        virtualSize: 1048576,
        safe: false,
      });
    }
  });
});
