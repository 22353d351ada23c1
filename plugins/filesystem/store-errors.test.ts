import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../core/api.js';
import { translated } from './store-errors.js';

describe('translated', () => {
  it.each([
    ['ENOSPC', 'capacity', 'STORE_FULL'],
    ['EDQUOT', 'capacity', 'STORE_FULL'],
    ['ESTALE', 'transient', 'STORE_UNAVAILABLE'],
    ['EMFILE', 'transient', 'STORE_UNAVAILABLE'],
    ['ENOENT', 'not_found', 'OBJECT_NOT_FOUND'],
    ['EIO', 'permanent', 'STORE_BROKEN'],
    ['EROFS', 'permanent', 'STORE_BROKEN'],
    ['EACCES', 'permanent', 'STORE_BROKEN'],
  ])('says what %s means, and keeps it as the cause', (code, errorClass, expected) => {
    const cause = Object.assign(new Error(`${code}: the system says`), { code });
    const error = translated(cause, 'fast', 'write "x"');
    expect(error).toMatchObject({ class: errorClass, code: expected, cause });
    expect((error as Error).message).toBe(
      `Store "fast" cannot write "x": ${code}: the system says`,
    );
  });

  it('lets pass what is no system error', () => {
    const own = new InvalidInputError({ code: 'X', message: 'x' });
    const aborted = new DOMException('asked to stop', 'AbortError');
    const broken = Object.assign(new Error('x'), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
    for (const error of [own, aborted, broken, new Error('x'), 'text']) {
      expect(translated(error, 'fast', 'write')).toBe(error);
    }
  });
});
