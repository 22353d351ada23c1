import { z } from 'zod';
import { FIELD_SCHEMAS } from '../presenters/image-fields.js';
import { IMAGE, IMAGES } from '../presenters/image.js';
import { IMPORT, IMPORTS, PLAN } from '../presenters/import.js';
import { IMAGE_VOLUME, IMAGE_VOLUMES } from '../presenters/image-volume.js';
import { LOCATION } from '../presenters/location.js';
import { MEMBER, MEMBERS } from '../presenters/member.js';
import { PROBLEM } from '../presenters/problem.js';
import { STORES, STORES_DETAIL } from '../presenters/store.js';
import { TASK, TASKS, TASKS_OF_IMAGE } from '../presenters/task.js';
import { USAGE } from '../presenters/usage.js';
import { VERSIONS } from '../presenters/versions.js';
import { TEXTS } from '../presenters/wire-types.js';
import { PATCH_OPERATIONS } from '../requests/json-patch.js';
import { IMPORT_BODY } from '../requests/import-body.js';
import { NEW_LOCATION } from '../requests/location-body.js';
import { MEMBER_ANSWER, NEW_MEMBER } from '../requests/member-body.js';
import { NEW_VOLUME } from '../requests/volume-body.js';
import { TASK_BODY } from '../requests/task-body.js';

/** The schemas of the document by name. What presenters answer with is typed by the same ones. */
export const ANSWER_SCHEMAS = {
  Image: IMAGE,
  Images: IMAGES,
  Member: MEMBER,
  Members: MEMBERS,
  Location: LOCATION,
  Locations: z.array(LOCATION),
  ImageVolume: IMAGE_VOLUME,
  ImageVolumes: IMAGE_VOLUMES,
  Import: IMPORT,
  Imports: IMPORTS,
  Plan: PLAN,
  Task: TASK,
  Tasks: TASKS,
  TasksOfImage: TASKS_OF_IMAGE,
  Stores: STORES,
  StoresDetail: STORES_DETAIL,
  Usage: USAGE,
  Versions: VERSIONS,
  Problem: PROBLEM,
  ImportMethods: z.strictObject({
    'import-methods': z.strictObject({
      description: z.string(),
      type: z.literal('array'),
      value: TEXTS,
    }),
  }),
  Schema: z.looseObject({ name: z.string(), properties: z.looseObject({}) }),
  Health: z.strictObject({ detailed: z.boolean(), reasons: TEXTS }),
  Document: z.looseObject({ openapi: z.string() }),
} as const satisfies Record<string, z.ZodType>;

export type AnswerName = keyof typeof ANSWER_SCHEMAS;

/** Bodies of requests: what validates them, and for images the schemas of their attributes. */
export const BODY_SCHEMAS = {
  NewImage: z
    .object({ id: z.guid(), ...FIELD_SCHEMAS })
    .partial()
    .catchall(z.string()),
  ImagePatch: z.array(
    z.object({ op: z.enum(PATCH_OPERATIONS), path: z.string(), value: z.unknown().optional() }),
  ),
  NewMember: NEW_MEMBER,
  MemberAnswer: MEMBER_ANSWER,
  NewLocation: NEW_LOCATION,
  NewVolume: NEW_VOLUME,
  NewImport: IMPORT_BODY,
  NewTask: TASK_BODY,
} as const satisfies Record<string, z.ZodType>;

export type BodyName = keyof typeof BODY_SCHEMAS;
