import { describe, expect, it } from 'vitest';
import { anImage } from '../../test/support/an-image.js';
import type { Image, Visibility } from '../image/image.js';
import type { Caller } from './caller.js';
import {
  assertCanChangeImage,
  assertCanDownload,
  assertCanSeeImage,
  assertCanSetOwner,
  assertCanSetVisibility,
  assertCanWrite,
} from './policy.js';

const owner = aCaller({ projectId: 'p' });
const stranger = aCaller({ projectId: 'q' });
const admin = aCaller({ projectId: 'ops', roles: ['admin'], isAdmin: true });

function aCaller(overrides: Partial<Caller> = {}): Caller {
  return {
    userId: 'u',
    projectId: 'p',
    roles: ['member'],
    isAdmin: false,
    requestId: 'req-1',
    ...overrides,
  };
}

/** `ok`, or the code of the refusal. */
function verdict(act: () => void): string {
  try {
    act();
    return 'ok';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('the policy on images', () => {
  const see = (caller: Caller, image?: Image) =>
    verdict(() => {
      assertCanSeeImage(caller, 'x', image);
    });
  const change = (caller: Caller, image?: Image) =>
    verdict(() => {
      assertCanChangeImage(caller, 'x', image);
    });

  it.each<[Visibility, string, string]>([
    ['public', 'ok', 'IMAGE_NOT_YOURS'],
    ['community', 'ok', 'IMAGE_NOT_YOURS'],
    ['shared', 'IMAGE_NOT_FOUND', 'IMAGE_NOT_FOUND'],
    ['private', 'IMAGE_NOT_FOUND', 'IMAGE_NOT_FOUND'],
  ])('lets a stranger see and change a %s image as (%s, %s)', (visibility, seen, changed) => {
    const image = anImage({ owner: 'p', visibility });
    expect([see(stranger, image), change(stranger, image)]).toEqual([seen, changed]);
    expect([see(owner, image), change(owner, image)]).toEqual(['ok', 'ok']);
    expect([see(admin, image), change(admin, image)]).toEqual(['ok', 'ok']);
  });

  it('says the same of an image that there is not', () => {
    expect(see(admin)).toBe('IMAGE_NOT_FOUND');
    expect(change(stranger)).toBe('IMAGE_NOT_FOUND');
  });

  it('does not take two callers without a project for the same project', () => {
    const nobody = aCaller({ projectId: null });
    expect(see(nobody, anImage({ owner: null }))).toBe('IMAGE_NOT_FOUND');
  });

  it('lets a mere reader change nothing', () => {
    expect(change(aCaller({ roles: ['reader'] }), anImage())).toBe('READ_ONLY_CALLER');
    expect(change(aCaller({ roles: ['reader', 'member'] }), anImage())).toBe('ok');
    expect(
      verdict(() => {
        assertCanWrite(aCaller({ roles: ['reader'] }));
      }),
    ).toBe('READ_ONLY_CALLER');
  });

  it('keeps publishing, giving away and the bytes of deactivated images for admins', () => {
    const acts = (caller: Caller) => [
      verdict(() => {
        assertCanSetVisibility(caller, 'public');
      }),
      verdict(() => {
        assertCanSetOwner(caller, 'q');
      }),
      verdict(() => {
        assertCanDownload(caller, anImage({ status: 'deactivated' }));
      }),
    ];
    expect(acts(owner)).toEqual(['PUBLICIZE_FORBIDDEN', 'OWNER_FORBIDDEN', 'IMAGE_DEACTIVATED']);
    expect(acts(admin)).toEqual(['ok', 'ok', 'ok']);
  });
});
