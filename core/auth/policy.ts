import type { PolicyConfig } from '../config/config.js';
import { ForbiddenError, InvalidInputError, NotFoundError } from '../base/errors.js';
import type { Image } from '../image/image.js';
import type { Caller, Identity } from './caller.js';
import { holds } from './rules/check.js';
import type { Subject, Target } from './rules/check.js';
import { readPolicy } from './rules/property-protections.js';
import type { PropertyAct, ProtectionText } from './rules/property-protections.js';
import type { RuleName } from './rules/table.js';

/**
 * Who may do what: the table of rules with the deployer's above it. Three things hold whatever the rules
 * say: what a caller may not see does not exist for them (404, not 403); no rule lets anybody but
 * an administrator see what the visibility of an image keeps from them; and rules hold for nobody who
 * acts for a domain or for the system, since images are projects'.
 */
export interface Policy {
  isAdmin(identity: Identity): boolean;
  /** Whether one rule holds; of an image ask {@link mayOnImage}. */
  may(caller: Caller, rule: RuleName, target?: Target): boolean;
  /** @throws {ForbiddenError} `POLICY_DENIED` */
  require(caller: Caller, rule: RuleName, target?: Target): void;
  /** Whether the caller sees the image, and the rule holds for it. */
  mayOnImage(caller: Caller, rule: RuleName, target: ImageTarget): boolean;
  /**
   * The image, for what the rule guards.
   * @param target `undefined` where there is no such image
   * @throws {NotFoundError} `IMAGE_NOT_FOUND`, also where the caller does not see it
   * @throws {ForbiddenError} `POLICY_DENIED`
   */
  requireImage(caller: Caller, rule: RuleName, id: string, target: ImageTarget | undefined): Image;
  /** Whether the caller may do this with properties of this name, of images that they may so treat. */
  mayOnProperty(caller: Caller, act: PropertyAct, name: string): boolean;
  /**
   * Whether the caller sees the imports of images of a project, and the rule holds for them.
   * @param owner project of the image
   */
  mayOnImport(caller: Caller, rule: RuleName, owner: string | null): boolean;
}
export const Policy = Symbol('Policy');

export interface ImageTarget {
  readonly image: Image;
  /** The member that a request is about. @default the caller's project, where it is one */
  readonly memberId?: string;
}

/** What a role brings with it, as Keystone sets it up. */
const IMPLIED_ROLES: Readonly<Record<string, readonly string[]>> = {
  admin: ['manager', 'member', 'reader'],
  manager: ['member', 'reader'],
  member: ['reader'],
};

/**
 * @param protectedProperties rules for properties: the first whose name matches decides, and where there are any,
 *   a property that none matches is nobody's
 * @throws {InvalidInputError} `POLICY_INVALID` with everything that is wrong with the rules
 */
export function createPolicy(
  config: PolicyConfig,
  protectedProperties: readonly ProtectionText[] = [],
): Policy {
  const { rules, protections, problems, protectionProblems } = readPolicy(
    config,
    protectedProperties,
  );
  const all = [
    ...problems.map((problem) => ({ ...problem, at: `policy.${problem.rule}` })),
    ...protectionProblems.map((problem) => ({
      ...problem,
      at: `images.property_protections[${problem.index}].${problem.key}`,
    })),
  ];
  if (all.length > 0) {
    throw new InvalidInputError({
      code: 'POLICY_INVALID',
      message: all.map(({ at, message }) => `${at}: ${message}`).join('; '),
      hint: all.map(({ hint }) => hint).join('; '),
    });
  }

  const decide = (identity: Identity, rule: RuleName, target: Target): boolean =>
    !actsForMany(identity) &&
    holds({ kind: 'rule', name: rule }, subjectOf(identity), target, rules);

  const sees = (caller: Caller, target: ImageTarget): boolean =>
    canSee(caller, target.image) && decide(caller, 'get_image', attributesOf(caller, target));

  const policy: Policy = {
    isAdmin: (identity) => decide(identity, 'context_is_admin', {}),

    may: (caller, rule, target = ownTarget(caller)) => decide(caller, rule, target),

    require(caller, rule, target) {
      if (!policy.may(caller, rule, target)) throw denied(rule, caller);
    },

    mayOnImage: (caller, rule, target) =>
      sees(caller, target) && decide(caller, rule, attributesOf(caller, target)),

    requireImage(caller, rule, id, target) {
      if (target === undefined || !sees(caller, target)) throw imageNotFound(id);
      if (decide(caller, rule, attributesOf(caller, target))) return target.image;
      throw denied(rule, caller, target.image);
    },

    mayOnProperty(caller, act, name) {
      if (protections.length === 0) return true;
      const check = protections.find(({ match }) => match.test(name))?.checks[act];
      return (
        check !== undefined &&
        !actsForMany(caller) &&
        holds(check, subjectOf(caller), ownTarget(caller), rules)
      );
    },

    mayOnImport: (caller, rule, owner) =>
      (caller.isAdmin || owns(caller, owner)) && decide(caller, rule, { project_id: owner, owner }),
  };
  return policy;
}

/** What is said of an image that does not exist for the caller, for whatever reason. */
export function imageNotFound(id: string): NotFoundError {
  return new NotFoundError({
    code: 'IMAGE_NOT_FOUND',
    message: `No image "${id}" was found`,
    hint: 'List the images that you can see',
  });
}

/** The caller's project: the target of what is about no image in particular. */
function ownTarget({ projectId }: Caller): Target {
  return { project_id: projectId, owner: projectId };
}

function actsForMany({ domainId, systemScope }: Identity): boolean {
  return domainId !== null || systemScope !== null;
}

/** Two callers without a project are not in the same one. */
function owns({ projectId }: Caller, owner: string | null): boolean {
  return projectId !== null && owner === projectId;
}

/** Members see a shared image whatever they have answered. */
function canSee(caller: Caller, image: Image): boolean {
  if (caller.isAdmin || owns(caller, image.owner) || isMember(caller, image)) return true;
  return image.visibility === 'public' || image.visibility === 'community';
}

function isMember({ projectId }: Caller, { visibility, memberIds }: Image): boolean {
  return visibility === 'shared' && projectId !== null && memberIds.includes(projectId);
}

function attributesOf(caller: Caller, { image, memberId }: ImageTarget): Target {
  const own = isMember(caller, image) ? caller.projectId : null;
  return {
    project_id: image.owner,
    owner: image.owner,
    member_id: memberId ?? own,
    visibility: image.visibility,
    status: image.status,
    disk_format: image.diskFormat,
    container_format: image.containerFormat,
  };
}

function subjectOf(identity: Identity): Subject {
  const { roles } = identity;
  const one = (value: string | null): readonly string[] => (value === null ? [] : [value]);
  return {
    roles: new Set(roles.flatMap((role) => [role, ...(IMPLIED_ROLES[role] ?? [])])),
    attributes: {
      user_id: one(identity.userId),
      user_domain_id: one(identity.userDomainId),
      project_id: one(identity.projectId),
      project_domain_id: one(identity.projectDomainId),
      domain_id: one(identity.domainId),
      system_scope: one(identity.systemScope),
      service_roles: identity.serviceRoles,
    },
  };
}

function denied(rule: RuleName, caller: Caller, image?: Image): ForbiddenError {
  if (actsForMany(caller)) {
    return new ForbiddenError({
      code: 'POLICY_DENIED',
      message: `You act for ${caller.systemScope === null ? 'a domain' : 'the system'}, and images belong to projects`,
      hint: 'Sign in for a project; an administrator does so for any',
      details: { rule },
    });
  }
  const { projectId } = caller;
  const foreign = image !== undefined && image.owner !== projectId;
  return new ForbiddenError({
    code: 'POLICY_DENIED',
    message: `You may not do this${image === undefined ? '' : ` to image "${image.id}"`}: the policy rule "${rule}" does not allow it`,
    hint: foreign
      ? 'The image belongs to another project: ask it, or an administrator'
      : 'Ask for a role that may, or an administrator',
    details: { rule },
  });
}
