import { describe, expect, it } from 'vitest';
import { aCaller, anAdmin } from '../../test/support/a-caller.js';
import { anImage } from '../../test/support/an-image.js';
import type { Visibility } from '../image/image.js';
import type { Caller } from './caller.js';
import { createPolicy } from './policy.js';
import type { RuleName } from './rules/table.js';

const policy = createPolicy({});
const owner = aCaller();
const reader = aCaller({ roles: ['reader'] });
const stranger = aCaller({ projectId: 'q' });

/** `ok`, or the code of the refusal. */
function verdict(act: () => unknown): string {
  try {
    act();
    return 'ok';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

function ask(
  caller: Caller,
  rule: RuleName,
  {
    visibility = 'private',
    isMember = false,
  }: { visibility?: Visibility; isMember?: boolean } = {},
  by = policy,
): string {
  const image = anImage({ owner: 'p', visibility, memberIds: isMember ? ['q'] : [] });
  return verdict(() => by.requireImage(caller, rule, image.id, { image }));
}

describe('the policy', () => {
  it.each<[Visibility, boolean, string, string]>([
    ['public', false, 'ok', 'POLICY_DENIED'],
    ['community', false, 'ok', 'POLICY_DENIED'],
    ['shared', true, 'ok', 'POLICY_DENIED'],
    ['shared', false, 'IMAGE_NOT_FOUND', 'IMAGE_NOT_FOUND'],
    ['private', false, 'IMAGE_NOT_FOUND', 'IMAGE_NOT_FOUND'],
    ['private', true, 'IMAGE_NOT_FOUND', 'IMAGE_NOT_FOUND'],
  ])('answers a stranger who sees or changes a %s image (member: %s)', (...row) => {
    const [visibility, isMember, seen, changed] = row;
    const of = { visibility, isMember };
    expect([ask(stranger, 'get_image', of), ask(stranger, 'modify_image', of)]).toEqual([
      seen,
      changed,
    ]);
    expect([ask(owner, 'get_image', of), ask(owner, 'modify_image', of)]).toEqual(['ok', 'ok']);
    expect([ask(anAdmin, 'get_image', of), ask(anAdmin, 'modify_image', of)]).toEqual(['ok', 'ok']);
  });

  it('says the same of an image that there is not', () => {
    expect(verdict(() => policy.requireImage(anAdmin, 'get_image', 'x', undefined))).toBe(
      'IMAGE_NOT_FOUND',
    );
  });

  it('lets a reader read and no more', () => {
    expect(ask(reader, 'get_image')).toBe('ok');
    expect(ask(reader, 'modify_image')).toBe('POLICY_DENIED');
    expect(ask(reader, 'download_image')).toBe('POLICY_DENIED');
    expect(policy.may(reader, 'add_image')).toBe(false);
    expect(policy.may(owner, 'add_image')).toBe(true);
  });

  it('shows nothing to a caller without a role', () => {
    const nobody = aCaller({ roles: [] });
    expect(ask(nobody, 'get_image', { visibility: 'public' })).toBe('IMAGE_NOT_FOUND');
    expect(policy.may(nobody, 'get_images')).toBe(false);
  });

  it('does not take two callers without a project for the same project', () => {
    const nobody = aCaller({ projectId: null });
    const image = anImage({ owner: null, visibility: 'shared' });
    expect(verdict(() => policy.requireImage(nobody, 'get_image', 'x', { image }))).toBe(
      'IMAGE_NOT_FOUND',
    );
    expect(policy.may(nobody, 'get_images')).toBe(false);
    expect(policy.mayOnImport(nobody, 'get_import', null)).toBe(false);
  });

  it.each<Partial<Caller>>([
    { projectId: null, systemScope: 'all', roles: ['admin'] },
    { projectId: null, domainId: 'd', roles: ['admin'] },
  ])('holds for nobody who acts for many projects: %o', (identity) => {
    const open = createPolicy({ get_image: '@', add_image: '@' });
    const caller = aCaller({ ...identity, isAdmin: open.isAdmin(aCaller(identity)) });
    expect(caller.isAdmin).toBe(false);
    expect(ask(caller, 'get_image', { visibility: 'public' }, open)).toBe('IMAGE_NOT_FOUND');
    const created = verdict(() => {
      open.require(caller, 'add_image');
    });
    expect(created).toBe('POLICY_DENIED');
  });

  it('follows what a deployer says instead', () => {
    const own = createPolicy({
      operators: 'role:ops',
      context_is_admin: 'rule:operators',
      modify_image: '!',
    });
    const operator = aCaller({ roles: ['ops'] });
    expect(own.isAdmin(operator)).toBe(true);
    expect(own.isAdmin(anAdmin)).toBe(false);
    expect(ask(owner, 'modify_image', {}, own)).toBe('POLICY_DENIED');
    expect(ask(owner, 'delete_image', {}, own)).toBe('ok');
  });

  it('shows nobody by rule what visibility keeps from them', () => {
    const open = createPolicy({ get_image: '@', modify_image: '@', get_import: '@' });
    expect(ask(stranger, 'get_image', { visibility: 'private' }, open)).toBe('IMAGE_NOT_FOUND');
    expect(ask(stranger, 'modify_image', { visibility: 'shared' }, open)).toBe('IMAGE_NOT_FOUND');
    expect(open.mayOnImport(stranger, 'get_import', 'p')).toBe(false);
  });

  it('lets no rule reach an image that another rule hides', () => {
    const hiding = createPolicy({ get_image: "rule:context_is_admin or 'public':%(visibility)s" });
    expect(ask(owner, 'delete_image', {}, hiding)).toBe('IMAGE_NOT_FOUND');
  });

  it('leaves the answer of a member to that member', () => {
    const image = anImage({ owner: 'p', visibility: 'shared', memberIds: ['q', 'r'] });
    const target = { image };
    expect(policy.mayOnImage(stranger, 'modify_member', { ...target, memberId: 'q' })).toBe(true);
    expect(policy.mayOnImage(stranger, 'modify_member', { ...target, memberId: 'r' })).toBe(false);
    expect(policy.mayOnImage(owner, 'modify_member', { ...target, memberId: 'q' })).toBe(false);
  });

  it('refuses rules that it cannot read, all at once', () => {
    expect(() => createPolicy({ copy_image: 'admin', get_imgae: '@' })).toThrow(
      /copy_image: .*; policy\.get_imgae: /,
    );
  });
});
