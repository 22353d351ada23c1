import type { PropertyAct } from '../auth/rules/property-protections.js';
import type { RuleName } from '../auth/rules/table.js';
import type { PropertyConfig } from '../config/config.js';
import { ConflictError, ForbiddenError } from '../base/errors.js';
import type { ImageChange } from '../engine/ports.js';
import type { Image, ImageAttributes, ImageStatus, Visibility } from '../image/image.js';
import { assertUnclaimed } from './claims.js';
import type { Claims } from './claims.js';
import type { ImageEdit } from './catalogue.js';
import {
  assertCount,
  assertProperty,
  assertTag,
  assertWritableName,
  propertyProtected,
} from './property-rules.js';

/** Bytes are judged against the declared formats: these stay as they are once bytes are held. */
const FORMATS_OPEN: readonly ImageStatus[] = ['queued', 'uploading'];

export interface EditLimits {
  readonly maxProperties: number;
  readonly maxTags: number;
  /** What the deployer wants of some properties, by name. */
  readonly properties: Readonly<Record<string, PropertyConfig>>;
}

/** What edits are held against. */
export interface EditRules {
  /** Refuses where the policy does not allow it for this image. @throws {ForbiddenError} */
  readonly require: (rule: RuleName) => void;
  readonly mayOnProperty: (act: PropertyAct, name: string) => boolean;
  readonly mayWriteClaimed: boolean;
  readonly claims: Claims;
  readonly limits: EditLimits;
}

export interface Edited {
  readonly change: ImageChange;
  /** Attributes and `properties.<name>` that the caller has set or removed. */
  readonly names: readonly string[];
}

/** What edits make of an image, after every rule has been asked; pure. */
export function applyEdits(image: Image, edits: readonly ImageEdit[], rules: EditRules): Edited {
  const { claims, limits } = rules;
  const properties = new Map(Object.entries(image.properties));
  const touched = new Set<string>();
  let attributes: Partial<ImageAttributes> = {};
  for (const edit of edits) {
    if (edit.kind === 'attributes') {
      assertAttributes(image, edit.value, rules);
      attributes = { ...attributes, ...edit.value };
    } else {
      if (!rules.mayWriteClaimed) assertUnclaimed(claims, edit.name);
      editProperty(properties, edit, rules);
      touched.add(edit.name);
    }
  }

  const tags = attributes.tags === undefined ? undefined : uniqueTags(attributes.tags);
  const before = Object.keys(image.properties).length;
  assertCount('properties', { before, after: properties.size, max: limits.maxProperties });
  const tagsAfter = tags?.length ?? image.tags.length;
  assertCount('tags', { before: image.tags.length, after: tagsAfter, max: limits.maxTags });

  return {
    change: {
      ...attributes,
      ...(tags === undefined ? {} : { tags }),
      ...(touched.size === 0
        ? {}
        : {
            properties: Object.fromEntries(
              [...touched].map((name) => [name, properties.get(name) ?? null]),
            ),
          }),
    },
    names: [...Object.keys(attributes), ...[...touched].map((name) => `properties.${name}`)],
  };
}

/** The rule that guards a visibility, beside the one for the act itself. */
export function ruleOfVisibility(visibility: Visibility): RuleName | undefined {
  if (visibility === 'public') return 'publicize_image';
  return visibility === 'community' ? 'communitize_image' : undefined;
}

/** Tags in their order as they are kept, each once. @throws {InvalidInputError} `PROPERTY_INVALID` */
export function uniqueTags(tags: readonly string[]): readonly string[] {
  tags.forEach(assertTag);
  return [...new Set(tags)].sort();
}

function editProperty(
  properties: Map<string, string>,
  edit: Extract<ImageEdit, { kind: 'property' }>,
  { mayOnProperty, limits }: EditRules,
): void {
  const { op, name } = edit;
  assertWritableName(name);
  // Who may not read a property is not told that it is there.
  const present = properties.has(name) && mayOnProperty('read', name);
  if ((op === 'replace' || op === 'remove') && !present) {
    throw new ConflictError({
      code: 'PROPERTY_MISSING',
      message: `Property "${name}" does not exist`,
      hint: 'Use the operation "add" to set it',
    });
  }
  if (op === 'create' && present) {
    throw new ConflictError({
      code: 'PROPERTY_PRESENT',
      message: `Property "${name}" exists already`,
      hint: 'Use the operation "replace" to change it',
    });
  }
  const act = edit.op === 'remove' ? 'delete' : present ? 'update' : 'create';
  if (!mayOnProperty(act, name)) throw propertyProtected(act, name);
  if (edit.op === 'remove') {
    properties.delete(name);
  } else {
    assertProperty(name, edit.value, limits.properties);
    properties.set(name, edit.value);
  }
}

function assertAttributes(
  image: Image,
  change: Partial<ImageAttributes>,
  { require }: EditRules,
): void {
  if (change.visibility !== undefined && change.visibility !== image.visibility) {
    const rule = ruleOfVisibility(change.visibility);
    if (rule !== undefined) require(rule);
  }
  if (change.owner !== undefined && change.owner !== image.owner) require('set_image_owner');
  for (const name of ['diskFormat', 'containerFormat'] as const) {
    const value = change[name];
    if (value === undefined || value === image[name]) continue;
    if (FORMATS_OPEN.includes(image.status)) continue;
    throw new ForbiddenError({
      code: 'FORMAT_FIXED',
      message: `The formats of an image in status "${image.status}" cannot be changed`,
      hint: 'Set them while the image is queued, before its import',
    });
  }
}
