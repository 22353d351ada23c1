import { describe, expect, it } from 'vitest';
import { anImage } from '../../test/support/an-image.js';
import type { RuleName } from '../auth/rules/table.js';
import { ForbiddenError } from '../base/errors.js';
import type { Image } from '../image/image.js';
import type { ImageEdit } from './catalogue.js';
import { applyEdits } from './edit.js';

function edit(image: Image, edits: readonly ImageEdit[], isAdmin = false): unknown {
  const refuse = (rule: RuleName): never => {
    throw new ForbiddenError({ code: rule, message: rule });
  };
  const limits = { maxProperties: 2, maxTags: 2, properties: {} };
  try {
    return applyEdits(image, edits, {
      require: refuse,
      mayOnProperty: () => true,
      mayWriteClaimed: isAdmin,
      claims: ['scan_*', 'seal'],
      limits,
    });
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const property = (op: 'add' | 'replace' | 'create', name: string, value = 'v'): ImageEdit => ({
  kind: 'property',
  op,
  name,
  value,
});
const removal = (name: string): ImageEdit => ({ kind: 'property', op: 'remove', name });

describe('applyEdits', () => {
  it('joins changes in order and names what was touched', () => {
    const image = anImage({ properties: { a: '1', b: '2' } });
    expect(
      edit(image, [
        { kind: 'attributes', value: { name: 'n', tags: ['x', 'y', 'x'] } },
        removal('a'),
        property('add', 'c', '3'),
        property('replace', 'c', '4'),
      ]),
    ).toEqual({
      change: { name: 'n', tags: ['x', 'y'], properties: { a: null, c: '4' } },
      names: ['name', 'tags', 'properties.a', 'properties.c'],
    });
  });

  it.each([
    ['replace of what is not there', property('replace', 'z'), 'PROPERTY_MISSING'],
    ['removal of what is not there', removal('z'), 'PROPERTY_MISSING'],
    ['creation of what is there', property('create', 'a'), 'PROPERTY_PRESENT'],
    ['a reserved name', property('add', 'os_glance_x'), 'PROPERTY_RESERVED'],
    ['locations', property('add', 'locations'), 'PROPERTY_RESERVED'],
    ['a read-only name', property('add', 'os_hash_value'), 'PROPERTY_READ_ONLY'],
    ['a claimed name', property('add', 'seal'), 'PROPERTY_CLAIMED'],
    ['a claimed prefix', removal('scan_result'), 'PROPERTY_CLAIMED'],
    ['an empty name', property('add', ''), 'PROPERTY_INVALID'],
    ['the name __proto__', property('add', '__proto__'), 'PROPERTY_INVALID'],
    ['a NUL', property('add', 'b', 'a\0b'), 'PROPERTY_INVALID'],
    ['half a surrogate pair', property('add', 'b', '\ud800'), 'PROPERTY_INVALID'],
    [
      'a tag that is too long',
      { kind: 'attributes', value: { tags: ['x'.repeat(256)] } } as const,
      'PROPERTY_INVALID',
    ],
    [
      'too many tags',
      { kind: 'attributes', value: { tags: ['1', '2', '3'] } } as const,
      'TAGS_EXCEEDED',
    ],
    [
      'public visibility',
      { kind: 'attributes', value: { visibility: 'public' } } as const,
      'publicize_image',
    ],
    ['another owner', { kind: 'attributes', value: { owner: 'q' } } as const, 'set_image_owner'],
  ])('refuses %s', (_what, change, code) => {
    expect(edit(anImage({ properties: { a: '1' } }), [change])).toBe(code);
  });

  it('lets an admin change what plugins claim', () => {
    expect(edit(anImage(), [property('add', 'seal')], true)).toMatchObject({
      names: ['properties.seal'],
    });
  });

  it('refuses to grow beyond the limit, but not to shrink towards it', () => {
    const full = anImage({ properties: { a: '1', b: '2', c: '3', d: '4' } });
    expect(edit(full, [property('add', 'e')])).toBe('PROPERTIES_EXCEEDED');
    expect(edit(full, [removal('a')])).toMatchObject({ names: ['properties.a'] });
    expect(edit(full, [property('replace', 'a')])).toMatchObject({ names: ['properties.a'] });
  });

  it.each([
    ['queued', 'ok'],
    ['uploading', 'ok'],
    ['saving', 'FORMAT_FIXED'],
    ['importing', 'FORMAT_FIXED'],
    ['active', 'FORMAT_FIXED'],
    ['deactivated', 'FORMAT_FIXED'],
  ] as const)('answers a change of format while "%s" with %s', (status, expected) => {
    const change: ImageEdit = { kind: 'attributes', value: { diskFormat: 'qcow2' } };
    const result = edit(anImage({ status, diskFormat: 'raw' }), [change]);
    expect(typeof result === 'string' ? result : 'ok').toBe(expected);
  });

  it('takes a format that stays what it is in every status', () => {
    const change: ImageEdit = { kind: 'attributes', value: { diskFormat: 'raw' } };
    expect(edit(anImage({ status: 'active', diskFormat: 'raw' }), [change])).not.toBe(
      'FORMAT_FIXED',
    );
  });
});
