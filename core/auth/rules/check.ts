/**
 * One rule of the policy, parsed: a tree of checks over what is known of the caller and of the thing
 * that the caller wants something of. Data only; `language.ts` reads it from text.
 */
export type Check =
  | { readonly kind: 'always' }
  | { readonly kind: 'never' }
  | { readonly kind: 'role'; readonly role: string }
  | { readonly kind: 'rule'; readonly name: string }
  | { readonly kind: 'same'; readonly left: Operand; readonly right: Operand }
  | { readonly kind: 'not'; readonly check: Check }
  | { readonly kind: 'all' | 'any'; readonly checks: readonly Check[] };

export type Operand =
  | { readonly from: 'literal'; readonly value: string }
  | { readonly from: 'subject'; readonly name: SubjectAttribute }
  | { readonly from: 'target'; readonly name: TargetAttribute };

/** What a rule may ask of the caller, beside its roles. */
export const SUBJECT_ATTRIBUTES = [
  'user_id',
  'user_domain_id',
  'project_id',
  'project_domain_id',
  'domain_id',
  'system_scope',
  'service_roles',
] as const;
export type SubjectAttribute = (typeof SUBJECT_ATTRIBUTES)[number];

/** What a rule may ask of the target. `project_id` and `owner` are the project that it belongs to. */
export const TARGET_ATTRIBUTES = [
  'project_id',
  'owner',
  'member_id',
  'visibility',
  'status',
  'disk_format',
  'container_format',
] as const;
export type TargetAttribute = (typeof TARGET_ATTRIBUTES)[number];

/** The caller as rules see it. Roles are in lower case. */
export interface Subject {
  readonly roles: ReadonlySet<string>;
  readonly attributes: Readonly<Record<SubjectAttribute, readonly string[]>>;
}

export type Target = Readonly<Partial<Record<TargetAttribute, string | null | undefined>>>;

/** @param rules every rule that a check may name; that there are no circles is checked when they are read */
export function holds(
  check: Check,
  subject: Subject,
  target: Target,
  rules: ReadonlyMap<string, Check>,
): boolean {
  switch (check.kind) {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'role':
      return subject.roles.has(check.role);
    case 'rule': {
      const named = rules.get(check.name);
      return named !== undefined && holds(named, subject, target, rules);
    }
    case 'same':
      return intersect(
        valuesOf(check.left, subject, target),
        valuesOf(check.right, subject, target),
      );
    case 'not':
      return !holds(check.check, subject, target, rules);
    case 'all':
      return check.checks.every((one) => holds(one, subject, target, rules));
    case 'any':
      return check.checks.some((one) => holds(one, subject, target, rules));
  }
}

/** What is absent is the same as nothing, not even as another thing that is absent. */
function valuesOf(operand: Operand, subject: Subject, target: Target): readonly string[] {
  switch (operand.from) {
    case 'literal':
      return [operand.value];
    case 'subject':
      return subject.attributes[operand.name];
    case 'target': {
      const value = target[operand.name];
      return value === undefined || value === null ? [] : [value];
    }
  }
}

function intersect(left: readonly string[], right: readonly string[]): boolean {
  return left.some((value) => right.includes(value));
}
