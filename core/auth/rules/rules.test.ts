import { describe, expect, it } from 'vitest';
import { holds } from './check.js';
import type { Subject, Target } from './check.js';
import { parseRule, RuleSyntaxError } from './language.js';
import { readRules } from './read-rules.js';

function subject(
  roles: readonly string[],
  attributes: Partial<Subject['attributes']> = {},
): Subject {
  return {
    roles: new Set(roles),
    attributes: {
      user_id: [],
      user_domain_id: [],
      project_id: [],
      project_domain_id: [],
      domain_id: [],
      system_scope: [],
      service_roles: [],
      ...attributes,
    },
  };
}

function decide(rule: string, who: Subject, target: Target = {}): boolean {
  const { rules, problems } = readRules({ get_image: rule });
  expect(problems).toEqual([]);
  return holds({ kind: 'rule', name: 'get_image' }, who, target, rules);
}

const member = subject(['member', 'reader'], { project_id: ['p'], user_id: ['u'] });

describe('a rule', () => {
  it.each<[string, boolean]>([
    ['', true],
    ['@', true],
    ['!', false],
    ['role:member', true],
    ['ROLE:x or role:Member', false],
    ['role:MEMBER', true],
    ['role:admin', false],
    ['not role:admin', true],
    ['not role:member', false],
    ['role:admin or role:member and role:x', false],
    ['role:member or role:admin and role:x', true],
    ['(role:member or role:admin) and role:x', false],
    ['not (role:admin or role:x)', true],
    ['role:member AND NOT role:x', true],
    ['rule:context_is_admin or role:reader', true],
    ['project_id:%(project_id)s', true],
    ['project_id:%(owner)s and user_id:u', true],
    ["project_id:'p'", true],
    ['project_id:%(member_id)s', false],
    ['domain_id:%(member_id)s', false],
    ["'public':%(visibility)s", false],
    ['"shared":%(visibility)s', true],
    ['service_roles:service', false],
    ['system_scope:all', false],
  ])('%j is %s for a member of the owning project', (rule, expected) => {
    const run = (): boolean =>
      decide(rule, member, { project_id: 'p', owner: 'p', visibility: 'shared', member_id: null });
    if (rule.startsWith('ROLE')) expect(() => parseRule(rule)).toThrow(RuleSyntaxError);
    else expect(run()).toBe(expected);
  });

  it('takes what is absent for equal to nothing', () => {
    expect(decide('project_id:%(project_id)s', subject([]), { project_id: null })).toBe(false);
    expect(decide('project_id:%(project_id)s', subject([]), {})).toBe(false);
  });

  it('knows the roles of the service that speaks for a user', () => {
    const through = subject([], { service_roles: ['observer', 'service'] });
    expect(decide('service_roles:service', through)).toBe(true);
  });

  it.each([
    ['rol:admin', '"rol" is nothing that is known of a caller'],
    ['role:admin role:member', '"role:member" stands where "and" or "or" is expected'],
    ['role:admin or', 'A check is missing at the end'],
    ['and role:admin', 'A check is missing before "and"'],
    ['(role:admin', 'A ")" is missing'],
    ['role:admin)', '")" stands where "and" or "or" is expected'],
    ['project_id:%(tenant)s', '"tenant" is nothing that is known of a target'],
    ["'public:%(visibility)s", `The quote in "'public:%(visibility)s" is not closed`],
    ['http://policy.example/%(name)s', 'Rules cannot ask other servers'],
    ['is_admin:True', '"is_admin:True" asks what rules decide'],
    ['admin', '"admin" is not a check'],
    ['role:', '"role:" is not a check'],
    [`${'('.repeat(100)}@${')'.repeat(100)}`, 'The rule is nested too deeply'],
  ])('%j is refused', (rule, message) => {
    expect(() => parseRule(rule)).toThrow(message);
  });
});

describe('the rules of a deployer', () => {
  const problems = (rules: Record<string, string>) =>
    readRules(rules).problems.map(({ rule, message }) => `${rule}: ${message}`);

  it('may use names of their own', () => {
    expect(problems({ operators: 'role:ops', copy_image: 'rule:operators' })).toEqual([]);
  });

  it('are refused where they guard nothing, miss or circle', () => {
    expect(
      problems({
        copy_imagee: 'role:ops',
        copy_image: 'rule:operators',
        get_image: 'rule:get_images',
        get_images: 'not rule:get_image',
        delete_image: 'role:',
      }),
    ).toEqual([
      'delete_image: "role:" is not a check',
      'copy_imagee: The rule "copy_imagee" guards nothing',
      'copy_image: There is no rule "operators"',
      'get_image: The rule "get_image" comes back to itself',
      'get_images: The rule "get_images" comes back to itself',
    ]);
  });

  it('refuse everybody where they cannot be read', () => {
    const { rules } = readRules({ delete_image: 'role:' });
    expect(rules.get('delete_image')).toEqual({ kind: 'never' });
  });
});
