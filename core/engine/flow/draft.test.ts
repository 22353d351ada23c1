import { describe, expect, it } from 'vitest';
import { anImage } from '../../../test/support/an-image.js';
import { mergePatches, withPatch, withoutUserPatched } from './draft.js';

describe('mergePatches', () => {
  it('lets the later patch win, property by property', () => {
    expect(
      mergePatches(
        { diskFormat: 'qcow2', properties: { a: '1', b: '1' } },
        { diskFormat: 'raw', properties: { b: null } },
      ),
    ).toEqual({ diskFormat: 'raw', properties: { a: '1', b: null } });
  });
});

describe('withPatch', () => {
  it('sets and removes properties and leaves the rest', () => {
    const image = anImage({ properties: { keep: 'x', drop: 'y' } });
    const patched = withPatch(image, { minDisk: 3, properties: { drop: null, add: 'z' } });
    expect(patched).toEqual({ ...image, minDisk: 3, properties: { keep: 'x', add: 'z' } });
  });
});

describe('withoutUserPatched', () => {
  it('gives way to the user, except where the engine speaks of the bytes', () => {
    const draft = {
      name: 'task',
      diskFormat: 'raw',
      properties: { os: 'task', kept: '1' },
    } as const;
    expect(withoutUserPatched(draft, ['name', 'diskFormat', 'properties.os'])).toEqual({
      diskFormat: 'raw',
      properties: { kept: '1' },
    });
  });
});
