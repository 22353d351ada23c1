import { z } from 'zod';
import { TUS_CHUNK, TUS_VERSION } from '../requests/tus.js';
import { OCTETS } from '../requests/upload.js';
import { NO_CONTENT } from './operation.js';
import type { Answer, Operation, Parameter } from './operation.js';
import { STORE_HEADER } from './parameters.js';

const tag = 'Data';
const UPLOADS = '/stowage/v1/images/{id}/uploads';
const UPLOAD = `${UPLOADS}/{upload}`;

const SIZE: Parameter = {
  name: 'x-openstack-image-size',
  description: 'Bytes of the image, where the body has no Content-Length',
  schema: z.int().min(0),
};

const TUS: Parameter = {
  name: 'Tus-Resumable',
  description: 'Version of the protocol of tus.io',
  schema: z.literal(TUS_VERSION),
  isRequired: true,
};

const OFFSET: Parameter = {
  name: 'Upload-Offset',
  description: 'Bytes that the server has',
  schema: z.int().min(0),
};

const SPOKEN = { 'Tus-Resumable': 'Version of the protocol' };

const DISCOVERED: Answer = {
  description: 'What the server can do',
  headers: {
    ...SPOKEN,
    'Tus-Version': 'Versions, with commas',
    'Tus-Extension': 'Extensions, with commas',
    'Tus-Max-Size': 'Bytes that an upload may have',
  },
};

const HOW_FAR: Answer = {
  description: 'How far the upload is',
  headers: { ...SPOKEN, 'Upload-Offset': 'Bytes that the server has' },
};

export const DATA_OPERATIONS: readonly Operation[] = [
  {
    method: 'put',
    path: '/v2/images/{id}/file',
    id: 'uploadImage',
    summary: 'Send the bytes of an image, and have it active',
    tag,
    headers: [SIZE, STORE_HEADER],
    body: { bytes: OCTETS },
    answers: { 204: { description: 'The image is active, or its bytes are safe' } },
  },
  {
    method: 'put',
    path: '/v2/images/{id}/stage',
    id: 'stageImage',
    summary: 'Send the bytes of an image for an import with "glance-direct"',
    tag,
    headers: [SIZE],
    body: { bytes: OCTETS },
    answers: { 204: { description: 'The bytes are safe' } },
  },
  {
    method: 'get',
    path: '/v2/images/{id}/file',
    id: 'downloadImage',
    summary: 'The bytes of an image',
    tag,
    headers: [
      { name: 'Range', description: 'One range of bytes', schema: z.string() },
      {
        name: 'Content-Range',
        description: 'The same, as old clients send it',
        schema: z.string(),
      },
    ],
    answers: {
      200: {
        description: 'All of them; Content-MD5 is their md5 in hex, where it is known',
        type: OCTETS,
        headers: { 'Accept-Ranges': 'bytes' },
      },
      206: {
        description: 'The range',
        type: OCTETS,
        headers: { 'Accept-Ranges': 'bytes', 'Content-Range': 'Which bytes, of how many' },
      },
      204: { description: 'The image has no bytes' },
    },
  },
  ...[
    { path: UPLOADS, id: 'discoverUploads' },
    { path: UPLOAD, id: 'discoverUpload' },
  ].map(({ path, id }): Operation => ({
    method: 'options',
    path,
    id,
    summary: 'What of the protocol of tus.io is served',
    tag,
    answers: { 204: DISCOVERED },
  })),
  {
    method: 'post',
    path: UPLOADS,
    id: 'createUpload',
    summary: 'Begin to stage an image over several requests',
    tag,
    headers: [
      TUS,
      {
        name: 'Upload-Length',
        description: 'Bytes of the image',
        schema: z.int().min(0),
        isRequired: true,
      },
      {
        name: 'Upload-Metadata',
        description: 'Keys with values in base64',
        schema: z.string(),
      },
    ],
    answers: {
      201: {
        description: 'The upload',
        headers: {
          ...SPOKEN,
          Location: 'The upload',
          'Upload-Offset': 'Bytes that the server has',
        },
      },
    },
  },
  {
    method: 'head',
    path: UPLOAD,
    id: 'showUpload',
    summary: 'How far an upload is',
    tag,
    headers: [TUS],
    answers: {
      200: {
        ...HOW_FAR,
        headers: { ...HOW_FAR.headers, 'Upload-Length': 'Bytes of the image' },
      },
    },
  },
  {
    method: 'patch',
    path: UPLOAD,
    id: 'appendToUpload',
    summary: 'Send the next bytes of an upload',
    tag,
    headers: [TUS, { ...OFFSET, isRequired: true }],
    body: { bytes: TUS_CHUNK },
    answers: { 204: HOW_FAR },
  },
  {
    method: 'delete',
    path: UPLOAD,
    id: 'abandonUpload',
    summary: 'Give an upload up',
    tag,
    headers: [TUS],
    answers: { 204: { ...NO_CONTENT, headers: SPOKEN } },
  },
  {
    method: 'post',
    path: UPLOAD,
    id: 'overrideUpload',
    summary: 'PATCH or DELETE, for clients behind something that lets neither through',
    tag,
    headers: [
      TUS,
      OFFSET,
      {
        name: 'X-HTTP-Method-Override',
        description: 'What is meant',
        schema: z.enum(['PATCH', 'DELETE']),
        isRequired: true,
      },
    ],
    body: { bytes: TUS_CHUNK },
    answers: { 204: { ...NO_CONTENT, headers: SPOKEN } },
  },
];
