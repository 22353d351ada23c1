import { randomUUID } from 'node:crypto';
import { imageNotFound } from '../auth/policy.js';
import type { Policy } from '../auth/policy.js';
import type { Caller } from '../auth/caller.js';
import type { RuleName } from '../auth/rules/table.js';
import { ForbiddenError, NotFoundError } from '../base/errors.js';
import type { Clock } from '../base/clock.js';
import type { Database, ImageChange, Reader, Transaction } from '../engine/ports.js';
import type { Quotas } from '../engine/bytes/quotas.js';
import type { Removal } from '../engine/service.js';
import { DEFAULT_VISIBILITY, queuedImage } from '../image/queued-image.js';
import type { Image } from '../image/image.js';
import type { Catalogue, ImageEdit, NewImage } from './catalogue.js';
import { withoutClaimed } from './claims.js';
import type { Claims } from './claims.js';
import { authorizedImage } from './access.js';
import { applyEdits, ruleOfVisibility, uniqueTags } from './edit.js';
import type { EditLimits } from './edit.js';
import { listImages } from './list.js';
import {
  assertCount,
  assertProperty,
  assertWritableName,
  propertyProtected,
} from './property-rules.js';

export interface CatalogueParts {
  readonly policy: Policy;
  readonly database: Database;
  readonly removal: Removal;
  readonly quotas: Pick<Quotas, 'ofProject'>;
  readonly clock: Clock;
  readonly limits: EditLimits;
  /** Property names that the plugins of every pipeline claim. */
  readonly claims: Claims;
}

/** The catalogue over the database; every change is one transaction. */
export function createCatalogue(parts: CatalogueParts): Catalogue {
  const { database, policy, clock, limits, claims } = parts;

  const imageFor = (read: Reader, caller: Caller, rule: RuleName, id: string): Promise<Image> =>
    authorizedImage(policy, read, { caller, rule, id });

  const edit = async (
    caller: Caller,
    id: string,
    editsOf: (image: Image) => readonly ImageEdit[],
  ): Promise<Image> =>
    database.write(async (tx) => {
      const image = await imageFor(tx, caller, 'modify_image', id);
      const { change, names } = applyEdits(image, editsOf(image), {
        require: (rule) => {
          policy.requireImage(caller, rule, id, { image });
        },
        mayOnProperty: (act, name) => policy.mayOnProperty(caller, act, name),
        mayWriteClaimed: caller.isAdmin,
        claims,
        limits,
      });
      if (names.length === 0) return image;
      const live = await tx.liveImport(id);
      if (live !== undefined) await tx.addUserPatched(live.id, names);
      return apply(tx, image, change);
    });

  const apply = async (tx: Transaction, image: Image, change: ImageChange): Promise<Image> => {
    await tx.updateImage(image.id, { status: [image.status] }, change, clock.now());
    const changed = await tx.image(image.id);
    if (changed === undefined) throw imageNotFound(image.id);
    return changed;
  };

  return {
    async create(caller, request) {
      const image = newImage(caller, request, parts);
      const quota = await parts.quotas.ofProject(image.owner);
      await database.write((tx) => quota.hold(tx, () => tx.insertImage(image)));
      return image;
    },

    show: (caller, id) => imageFor(database.read, caller, 'get_image', id),

    showFor: (caller, id, rule) => imageFor(database.read, caller, rule, id),

    async showForDownload(caller, id) {
      const image = await imageFor(database.read, caller, 'download_image', id);
      if (image.status === 'deactivated') assertMayExamine(policy, caller, image);
      return image;
    },

    list: (caller, query) => listImages(parts, caller, query),

    update: (caller, id, edits) => edit(caller, id, () => edits),

    async addTag(caller, id, tag) {
      await edit(caller, id, ({ tags }) =>
        tags.includes(tag) ? [] : [{ kind: 'attributes', value: { tags: [...tags, tag] } }],
      );
    },

    async removeTag(caller, id, tag) {
      await edit(caller, id, ({ tags }) => {
        if (!tags.includes(tag)) {
          throw new NotFoundError({
            code: 'TAG_NOT_FOUND',
            message: `Image "${id}" has no tag "${tag}"`,
            hint: 'Show the image to see its tags',
          });
        }
        return [{ kind: 'attributes', value: { tags: tags.filter((other) => other !== tag) } }];
      });
    },

    async remove(caller, id) {
      const image = await imageFor(database.read, caller, 'delete_image', id);
      if (image.protected) {
        throw new ForbiddenError({
          code: 'IMAGE_PROTECTED',
          message: `Image "${id}" is protected`,
          hint: 'Set "protected" to false first',
        });
      }
      await parts.removal.deleteImage(id);
    },

    async removeFromStore(caller, id, store) {
      await imageFor(database.read, caller, 'delete_image_location', id);
      await parts.removal.removeFromStore(id, store);
    },

    async setActive(caller, id, wanted) {
      await database.write(async (tx) => {
        const rule = wanted === 'active' ? 'reactivate' : 'deactivate';
        const image = await imageFor(tx, caller, rule, id);
        if (image.status === wanted) return;
        if (image.status !== (wanted === 'active' ? 'deactivated' : 'active')) {
          throw new ForbiddenError({
            code: 'IMAGE_STATE',
            message: `Image "${id}" is "${image.status}"`,
            hint: 'Only an active image can be deactivated, and only a deactivated one reactivated',
          });
        }
        await apply(tx, image, { status: wanted });
      });
    },
  };
}

/** The bytes of a deactivated image are for those who examine it. */
function assertMayExamine(policy: Policy, caller: Caller, image: Image): void {
  if (policy.mayOnImage(caller, 'download_deactivated_image', { image })) return;
  throw new ForbiddenError({
    code: 'IMAGE_DEACTIVATED',
    message: `Image "${image.id}" is deactivated`,
    hint: 'Its owner can reactivate it',
  });
}

/** @throws {ForbiddenError} `POLICY_DENIED` */
function assertMayCreate(
  policy: Policy,
  caller: Caller,
  { owner = caller.projectId, visibility }: NewImage['attributes'],
): void {
  const target = { project_id: owner, owner, visibility: visibility ?? DEFAULT_VISIBILITY };
  policy.require(caller, 'add_image', target);
  const rule = visibility === undefined ? undefined : ruleOfVisibility(visibility);
  if (rule !== undefined) policy.require(caller, rule, target);
}

function newImage(caller: Caller, request: NewImage, parts: CatalogueParts): Image {
  const { attributes } = request;
  assertMayCreate(parts.policy, caller, attributes);

  for (const [name, value] of Object.entries(request.properties)) {
    assertWritableName(name);
    assertProperty(name, value, parts.limits.properties);
    if (!parts.policy.mayOnProperty(caller, 'create', name))
      throw propertyProtected('create', name);
  }
  const properties = withoutClaimed(parts.claims, request.properties);
  const tags = uniqueTags(attributes.tags ?? []);
  const { maxProperties, maxTags } = parts.limits;
  const count = Object.keys(properties).length;
  assertCount('properties', { before: 0, after: count, max: maxProperties });
  assertCount('tags', { before: 0, after: tags.length, max: maxTags });

  const image = queuedImage(request.id ?? randomUUID(), caller.projectId, parts.clock.now());
  return { ...image, ...attributes, tags, properties };
}
