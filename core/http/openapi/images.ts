import { z } from 'zod';
import { SORT_KEYS } from '../../image/query.js';
import { LISTED_MEMBER_STATUSES, LISTED_VISIBILITIES } from '../requests/image-query.js';
import { PATCH_TYPES } from '../requests/json-patch.js';
import { NO_CONTENT } from './operation.js';
import type { Operation, Parameter } from './operation.js';
import { paging } from './parameters.js';

const tag = 'Images';

const FILTERS: readonly Parameter[] = [
  {
    name: 'sort',
    description: `Keys with directions, "name:asc,size:desc"; the keys are ${SORT_KEYS.join(', ')}`,
    schema: z.string(),
  },
  {
    name: 'sort_key',
    description: 'The other way to sort: keys one by one',
    schema: z.enum(SORT_KEYS),
    isRepeated: true,
  },
  {
    name: 'sort_dir',
    description: 'One direction for all keys, or one for each',
    schema: z.enum(['asc', 'desc']),
    isRepeated: true,
  },
  {
    name: 'visibility',
    description: 'Who can see the image; "all" has community images of others as well',
    schema: z.enum(LISTED_VISIBILITIES),
  },
  {
    name: 'member_status',
    description: 'What the own project has answered to images that are shared with it',
    schema: z.enum(LISTED_MEMBER_STATUSES).default('accepted'),
  },
  { name: 'tag', description: 'All of them', schema: z.string(), isRepeated: true },
  {
    name: 'os_hidden',
    description: 'Hidden images instead of the others',
    schema: z.boolean().default(false),
  },
  { name: 'protected', description: 'Whether they can be deleted', schema: z.boolean() },
  { name: 'size_min', description: 'Bytes, at least', schema: z.int().min(0) },
  { name: 'size_max', description: 'Bytes, at most', schema: z.int().min(0) },
  {
    name: 'filters',
    description:
      'Any attribute or property by its name. "in:a,b" for name, id, status, disk_format and ' +
      'container_format; "gt:", "gte:", "lt:", "lte:", "eq:", "neq:" before the times of created_at ' +
      'and updated_at',
    schema: z.record(z.string(), z.string()),
    isFree: true,
  },
];

export const IMAGE_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/v2/images',
    id: 'createImage',
    summary: 'Make the record of an image, without bytes',
    tag,
    body: { json: 'NewImage' },
    answers: {
      201: {
        description: 'The image, which is "queued"',
        json: 'Image',
        headers: {
          Location: 'The image',
          'OpenStack-image-import-methods': 'The import methods, with commas',
          'OpenStack-image-store-ids': 'The stores, with commas',
        },
      },
    },
  },
  {
    method: 'get',
    path: '/v2/images',
    id: 'listImages',
    summary: 'The images that the caller can see, page by page',
    tag,
    query: [...paging(1000), ...FILTERS],
    answers: { 200: { description: 'A page', json: 'Images' } },
  },
  {
    method: 'get',
    path: '/v2/images/{id}',
    id: 'showImage',
    summary: 'One image',
    tag,
    answers: { 200: { description: 'The image', json: 'Image' } },
  },
  {
    method: 'patch',
    path: '/v2/images/{id}',
    id: 'updateImage',
    summary: 'Change attributes and properties',
    tag,
    body: { json: 'ImagePatch', types: PATCH_TYPES.toReversed() },
    answers: { 200: { description: 'The image as it is now', json: 'Image' } },
  },
  {
    method: 'delete',
    path: '/v2/images/{id}',
    id: 'deleteImage',
    summary: 'Delete an image and its bytes',
    tag,
    answers: { 204: NO_CONTENT },
  },
  {
    method: 'put',
    path: '/v2/images/{id}/tags/{tag}',
    id: 'addTag',
    summary: 'Put a tag on an image',
    tag,
    answers: { 204: NO_CONTENT },
  },
  {
    method: 'delete',
    path: '/v2/images/{id}/tags/{tag}',
    id: 'removeTag',
    summary: 'Take a tag off an image',
    tag,
    answers: { 204: NO_CONTENT },
  },
  {
    method: 'post',
    path: '/v2/images/{id}/actions/deactivate',
    id: 'deactivateImage',
    summary: 'Refuse the bytes of an image to all but admins',
    tag,
    answers: { 204: NO_CONTENT },
  },
  {
    method: 'post',
    path: '/v2/images/{id}/actions/reactivate',
    id: 'reactivateImage',
    summary: 'Give the bytes of a deactivated image out again',
    tag,
    answers: { 204: NO_CONTENT },
  },
];
