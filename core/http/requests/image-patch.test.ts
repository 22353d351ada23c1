import { describe, expect, it } from 'vitest';
import { parseImagePatch } from './image-patch.js';

function patch(body: unknown, draft: 4 | 10 = 10): unknown {
  try {
    return parseImagePatch(body, draft);
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('parseImagePatch', () => {
  it('reads RFC 6902', () => {
    expect(
      patch([
        { op: 'replace', path: '/disk_format', value: 'qcow2' },
        { op: 'add', path: '/a~1b~0c', value: 'v' },
        { op: 'remove', path: '/gone' },
        { op: 'add', path: '/tags', value: ['t'] },
        { op: 'replace', path: '/kernel_id', value: null },
      ]),
    ).toEqual([
      { kind: 'attributes', value: { diskFormat: 'qcow2' } },
      { kind: 'property', op: 'add', name: 'a/b~c', value: 'v' },
      { kind: 'property', op: 'remove', name: 'gone' },
      { kind: 'attributes', value: { tags: ['t'] } },
      { kind: 'property', op: 'remove', name: 'kernel_id' },
    ]);
  });

  it('reads the fourth draft', () => {
    expect(
      patch([{ replace: '/name', value: 'n' }, { add: '/x', value: 'v' }, { remove: '/y' }], 4),
    ).toEqual([
      { kind: 'attributes', value: { name: 'n' } },
      { kind: 'property', op: 'create', name: 'x', value: 'v' },
      { kind: 'property', op: 'remove', name: 'y' },
    ]);
  });

  it.each<[string, unknown, string]>([
    ['no array', { op: 'add' }, 'PATCH_INVALID'],
    ['no object', ['x'], 'PATCH_INVALID'],
    ['no operation', [{ path: '/name', value: 'x' }], 'PATCH_INVALID'],
    ['an unknown operation', [{ op: 'move', path: '/a', from: '/b' }], 'PATCH_INVALID'],
    ['no path', [{ op: 'remove' }], 'PATCH_INVALID'],
    ['no value', [{ op: 'add', path: '/x' }], 'PATCH_INVALID'],
    ['a path without a slash', [{ op: 'remove', path: 'x' }], 'PATCH_INVALID'],
    ['a deep path', [{ op: 'add', path: '/tags/-', value: 'x' }], 'PATCH_INVALID'],
    ['a wrong escape', [{ op: 'remove', path: '/a~2' }], 'PATCH_INVALID'],
    ['a location', [{ op: 'add', path: '/locations/-', value: {} }], 'PROPERTY_RESERVED'],
    ['a status', [{ op: 'replace', path: '/status', value: 'active' }], 'PROPERTY_READ_ONLY'],
    ['a reserved name', [{ op: 'remove', path: '/os_glance_x' }], 'PROPERTY_RESERVED'],
    ['removal of a base attribute', [{ op: 'remove', path: '/name' }], 'ATTRIBUTE_REQUIRED'],
    [
      'an unknown format',
      [{ op: 'replace', path: '/disk_format', value: 'bin' }],
      'ATTRIBUTE_INVALID',
    ],
    ['a number as property', [{ op: 'add', path: '/x', value: 5 }], 'ATTRIBUTE_INVALID'],
    ['a negative size', [{ op: 'replace', path: '/min_disk', value: -1 }], 'ATTRIBUTE_INVALID'],
  ])('refuses %s', (_what, body, code) => {
    expect(patch(body)).toBe(code);
  });

  it('refuses two operations in one object of the fourth draft', () => {
    expect(patch([{ add: '/a', replace: '/b', value: 'v' }], 4)).toBe('PATCH_INVALID');
  });
});
