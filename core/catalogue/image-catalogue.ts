import { randomUUID } from 'node:crypto';
import {
  assertCanChangeImage,
  assertCanSeeImage,
  assertCanSetOwner,
  assertCanSetVisibility,
  assertCanWrite,
  imageNotFound,
} from '../auth/policy.js';
import type { Caller } from '../auth/caller.js';
import { ForbiddenError, NotFoundError } from '../base/errors.js';
import type { Clock } from '../base/clock.js';
import type { Database, ImageChange, Transaction } from '../engine/ports.js';
import type { Removal } from '../engine/service.js';
import type { Image } from '../image/image.js';
import type { Catalogue, ImageEdit, NewImage } from './catalogue.js';
import { withoutClaimed } from './claims.js';
import type { Claims } from './claims.js';
import { applyEdits, uniqueTags } from './edit.js';
import type { EditLimits } from './edit.js';
import { assertCount, assertProperty, assertWritableName } from './property-rules.js';

export interface CatalogueParts {
  readonly database: Database;
  readonly removal: Removal;
  readonly clock: Clock;
  readonly limits: EditLimits;
  /** Property names that the plugins of every pipeline claim. */
  readonly claims: Claims;
}

/** The catalogue over the database; every change is one transaction. */
export function createCatalogue(parts: CatalogueParts): Catalogue {
  const { database, clock, limits, claims } = parts;

  const edit = async (
    caller: Caller,
    id: string,
    editsOf: (image: Image) => readonly ImageEdit[],
  ): Promise<Image> =>
    database.write(async (tx) => {
      const image = await tx.image(id);
      assertCanChangeImage(caller, id, image);
      const { change, names } = applyEdits(image, editsOf(image), { caller, claims, limits });
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
      await database.write((tx) => tx.insertImage(image));
      return image;
    },

    async show(caller, id) {
      const image = await database.read.image(id);
      assertCanSeeImage(caller, id, image);
      return image;
    },

    async showForChange(caller, id) {
      const image = await database.read.image(id);
      assertCanChangeImage(caller, id, image);
      return image;
    },

    list: (caller, query) =>
      database.read.images({
        ...query,
        projectId: caller.projectId,
        isAdmin: caller.isAdmin,
      }),

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
      const image = await database.read.image(id);
      assertCanChangeImage(caller, id, image);
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
      assertCanChangeImage(caller, id, await database.read.image(id));
      await parts.removal.removeFromStore(id, store);
    },

    async setActive(caller, id, wanted) {
      await database.write(async (tx) => {
        const image = await tx.image(id);
        assertCanChangeImage(caller, id, image);
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

function newImage(caller: Caller, request: NewImage, parts: CatalogueParts): Image {
  assertCanWrite(caller);
  const { attributes } = request;
  if (attributes.visibility !== undefined) assertCanSetVisibility(caller, attributes.visibility);
  if (attributes.owner !== undefined) assertCanSetOwner(caller, attributes.owner);

  for (const [name, value] of Object.entries(request.properties)) {
    assertWritableName(name);
    assertProperty(name, value);
  }
  const properties = withoutClaimed(parts.claims, request.properties);
  const tags = uniqueTags(attributes.tags ?? []);
  const { maxProperties, maxTags } = parts.limits;
  const count = Object.keys(properties).length;
  assertCount('properties', { before: 0, after: count, max: maxProperties });
  assertCount('tags', { before: 0, after: tags.length, max: maxTags });

  const now = parts.clock.now();
  return {
    name: null,
    visibility: 'shared',
    owner: caller.projectId,
    diskFormat: null,
    containerFormat: null,
    minDisk: 0,
    minRam: 0,
    protected: false,
    osHidden: false,
    ...attributes,
    id: request.id ?? randomUUID(),
    status: 'queued',
    size: null,
    virtualSize: null,
    checksum: null,
    osHashAlgo: null,
    osHashValue: null,
    tags,
    memberIds: [],
    properties,
    createdAt: now,
    updatedAt: now,
  };
}
