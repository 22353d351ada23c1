import type { PropertyConfig } from '../../config/config.js';
import type { JsonObject } from '../../base/json.js';
import {
  CONTAINER_FORMATS,
  DISK_FORMATS,
  IMAGE_STATUSES,
  VISIBILITIES,
} from '../../image/image.js';
import { LOCATION_TASK_TYPE, TASK_STATUSES, TASK_TYPE } from '../../engine/api-task.js';

/**
 * The JSON schemas that clients fetch before they build or check a record (API-21). python-glanceclient
 * refuses answers that do not fit the schema of their kind.
 */

const UUID_PATTERN =
  '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$';

function readOnly(type: string | readonly string[], description: string): JsonObject {
  return { type, readOnly: true, description };
}

const IMAGE_PROPERTIES: JsonObject = {
  id: { type: 'string', pattern: UUID_PATTERN, description: 'Identifier of the image' },
  name: { type: ['null', 'string'], maxLength: 255, description: 'Name for people' },
  status: { ...readOnly('string', 'Where the image is in its life'), enum: IMAGE_STATUSES },
  visibility: { type: 'string', enum: VISIBILITIES, description: 'Who can see the image' },
  protected: { type: 'boolean', description: 'The image cannot be deleted' },
  os_hidden: { type: 'boolean', description: 'The image is not in default lists' },
  checksum: { ...readOnly(['null', 'string'], 'md5 of the data'), maxLength: 32 },
  os_hash_algo: { ...readOnly(['null', 'string'], 'Algorithm of os_hash_value'), maxLength: 64 },
  os_hash_value: { ...readOnly(['null', 'string'], 'Digest of the data in hex'), maxLength: 128 },
  owner: { type: ['null', 'string'], maxLength: 255, description: 'Project that owns the image' },
  size: readOnly(['null', 'integer'], 'Bytes of the data'),
  virtual_size: readOnly(['null', 'integer'], 'Bytes that a guest sees'),
  container_format: {
    type: ['null', 'string'],
    enum: [null, ...CONTAINER_FORMATS],
    description: 'Envelope around the disk',
  },
  disk_format: {
    type: ['null', 'string'],
    enum: [null, ...DISK_FORMATS],
    description: 'Layout of the disk data',
  },
  created_at: readOnly('string', 'When the record was made'),
  updated_at: readOnly('string', 'When the record was changed last'),
  tags: {
    type: 'array',
    items: { type: 'string', maxLength: 255 },
    description: 'Words to find the image by',
  },
  min_ram: { type: 'integer', description: 'Memory that a guest needs, in MiB' },
  min_disk: { type: 'integer', description: 'Disk that a guest needs, in GiB' },
  self: readOnly('string', 'Path of the image'),
  file: readOnly('string', 'Path of the data'),
  schema: readOnly('string', 'Path of this schema'),
  direct_url: readOnly('string', 'Where the data is'),
  locations: {
    type: 'array',
    items: {
      type: 'object',
      properties: {
        url: { type: 'string', maxLength: 255 },
        metadata: { type: 'object' },
        validation_data: {
          type: 'object',
          writeOnly: true,
          additionalProperties: false,
          properties: {
            checksum: { type: 'string', minLength: 32, maxLength: 32 },
            os_hash_algo: { type: 'string', maxLength: 64 },
            os_hash_value: { type: 'string', maxLength: 128 },
          },
          required: ['os_hash_algo', 'os_hash_value'],
          description: 'Digests that the data must have',
        },
      },
      required: ['url', 'metadata'],
    },
    description: 'Every place that holds the data',
  },
  kernel_id: {
    type: ['null', 'string'],
    pattern: UUID_PATTERN,
    is_base: false,
    description: 'Image with the kernel of an AMI-style image',
  },
  ramdisk_id: {
    type: ['null', 'string'],
    pattern: UUID_PATTERN,
    is_base: false,
    description: 'Image with the ramdisk of an AMI-style image',
  },
  cinder_encryption_key_id: {
    type: 'string',
    is_base: false,
    description: 'Key of the volume that the image was made from, in the key manager',
  },
  cinder_encryption_key_deletion_policy: {
    type: 'string',
    enum: ['on_image_deletion', 'do_not_delete'],
    is_base: false,
    description: 'Whether the key is to be deleted with the image; this server leaves it alone',
  },
  instance_uuid: { type: 'string', is_base: false, description: 'Server that it was made from' },
  architecture: { type: 'string', is_base: false, description: 'Processor architecture' },
  os_distro: { type: 'string', is_base: false, description: 'Operating system distribution' },
  os_version: { type: 'string', is_base: false, description: 'Operating system version' },
  description: { type: 'string', is_base: false, description: 'Text for people' },
};

const STORES = readOnly('string', 'Stores that hold the data, separated by commas');

function imageSchema(properties: JsonObject): JsonObject {
  return {
    name: 'image',
    properties,
    additionalProperties: { type: 'string' },
    links: [
      { rel: 'self', href: '{self}' },
      { rel: 'enclosure', href: '{file}' },
      { rel: 'describedby', href: '{schema}' },
    ],
  };
}

const TASK_STUB_PROPERTIES: JsonObject = {
  id: { type: 'string', pattern: UUID_PATTERN, description: 'Identifier of the task' },
  type: {
    type: 'string',
    enum: [TASK_TYPE, LOCATION_TASK_TYPE],
    description: 'What the task does',
  },
  status: { type: 'string', enum: TASK_STATUSES, description: 'How far the task is' },
  owner: { type: ['null', 'string'], description: 'Project that started the task' },
  image_id: { type: 'string', description: 'Image that the task works on' },
  request_id: { type: 'string', description: 'Request that started the task' },
  user_id: { type: 'string', description: 'User that started the task' },
  created_at: { type: 'string', description: 'When the task was made' },
  updated_at: { type: 'string', description: 'When the task changed last' },
  expires_at: { type: ['null', 'string'], description: 'When the task is forgotten' },
  self: readOnly('string', 'Path of the task'),
  schema: readOnly('string', 'Path of this schema'),
};

const TASK: JsonObject = {
  name: 'task',
  properties: {
    ...TASK_STUB_PROPERTIES,
    message: { type: 'string', description: 'What it does now, or why it failed' },
    input: { type: ['null', 'object'], description: 'What was asked for' },
    result: { type: ['null', 'object'], description: 'What came of it' },
  },
  additionalProperties: false,
};

const MEMBER: JsonObject = {
  name: 'member',
  properties: {
    member_id: { type: 'string', description: 'Project that the image is shared with' },
    image_id: { type: 'string', pattern: UUID_PATTERN, description: 'Image that is shared' },
    status: {
      type: 'string',
      enum: ['pending', 'accepted', 'rejected'],
      description: 'The answer',
    },
    created_at: { type: 'string', description: 'When it was shared' },
    updated_at: { type: 'string', description: 'When the answer came' },
    schema: readOnly('string', 'Path of this schema'),
  },
  additionalProperties: false,
};

/**
 * The schemas by the last segment of their path.
 *
 * `stores` is named to clients that authenticate only. The command `glance`, when it is used without
 * an identity service, keeps the schema that it has fetched and makes an option of each property: its
 * own `--stores` would then be there twice, and every later call of it fails (python-glanceclient
 * 4.1, `schema_args`). Without the name the property is still allowed, as any other text.
 */
export function schemas(options: {
  readonly withStores: boolean;
  /** Properties that the deployer names beside, or instead. */
  readonly properties: Readonly<Record<string, PropertyConfig>>;
}): ReadonlyMap<string, JsonObject> {
  const image = imageSchema({
    ...IMAGE_PROPERTIES,
    ...Object.fromEntries(
      Object.entries(options.properties).map(([name, property]) => [name, ownProperty(property)]),
    ),
    ...(options.withStores ? { stores: STORES } : {}),
  });
  return new Map([
    ['image', image],
    ['images', collection('images', image)],
    ['task', TASK],
    ['tasks', collection('tasks', { ...TASK, properties: TASK_STUB_PROPERTIES })],
    ['member', MEMBER],
    ['members', members()],
  ]);
}

function ownProperty({ maxLength, ...rest }: PropertyConfig): JsonObject {
  return {
    type: 'string',
    is_base: false,
    ...rest,
    ...(maxLength === undefined ? {} : { maxLength }),
  };
}

function collection(name: string, items: JsonObject): JsonObject {
  return {
    name,
    properties: {
      [name]: { type: 'array', items },
      first: { type: 'string' },
      next: { type: 'string' },
      schema: { type: 'string' },
    },
    links: [
      { rel: 'first', href: '{first}' },
      { rel: 'next', href: '{next}' },
      { rel: 'describedby', href: '{schema}' },
    ],
  };
}

/** Members come without pages. */
function members(): JsonObject {
  return {
    name: 'members',
    properties: {
      members: { type: 'array', items: MEMBER },
      schema: { type: 'string' },
    },
    links: [{ rel: 'describedby', href: '{schema}' }],
  };
}
