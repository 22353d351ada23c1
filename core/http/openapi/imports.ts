import { z } from 'zod';
import { IMPORT_STATES } from '../../engine/import.js';
import type { Operation, Parameter } from './operation.js';
import { STORE_HEADER, paging } from './parameters.js';

const tag = 'Imports';
const IMPORTS = '/stowage/v1/imports';
const IMPORT = `${IMPORTS}/{import}`;

const IDEMPOTENCY_KEY: Parameter = {
  name: 'Idempotency-Key',
  description: 'The same request with the same key answers the import that it began the first time',
  schema: z.string().max(255),
};

const LAST_EVENT_ID: Parameter = {
  name: 'Last-Event-ID',
  description: 'Number of the last event that the client has seen',
  schema: z.int().min(0),
};

export const IMPORT_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/v2/images/{id}/import',
    id: 'importImage',
    summary: 'Import the bytes of an image',
    tag,
    headers: [STORE_HEADER, IDEMPOTENCY_KEY],
    body: { json: 'NewImport' },
    answers: {
      202: { description: 'The import is durable; Location names it, where there is one to do' },
    },
  },
  {
    method: 'post',
    path: '/stowage/v1/images/{id}/plan',
    id: 'planImport',
    summary: 'What an import would do, with nothing done',
    tag,
    headers: [STORE_HEADER],
    body: { json: 'NewImport' },
    answers: { 200: { description: 'The plan', json: 'Plan' } },
  },
  {
    method: 'get',
    path: IMPORTS,
    id: 'listImports',
    summary: 'Imports, the newest first',
    tag,
    query: [
      ...paging(200),
      { name: 'image_id', description: 'Those of this image', schema: z.guid() },
      {
        name: 'state',
        description: 'Those in one of these states; several also with commas',
        schema: z.enum(IMPORT_STATES),
        isRepeated: true,
      },
    ],
    answers: { 200: { description: 'A page', json: 'Imports' } },
  },
  {
    method: 'get',
    path: IMPORT,
    id: 'showImport',
    summary: 'One import with its tasks',
    tag,
    answers: { 200: { description: 'The import', json: 'Import' } },
  },
  {
    method: 'get',
    path: `${IMPORT}/events`,
    id: 'followImport',
    summary: 'The events of an import as they happen',
    tag,
    headers: [LAST_EVENT_ID],
    answers: {
      200: {
        description: 'Server-sent events, until that of a final state',
        type: 'text/event-stream',
      },
      204: { description: 'The client has seen the last event' },
    },
  },
  {
    method: 'post',
    path: `${IMPORT}/cancel`,
    id: 'cancelImport',
    summary: 'End an import and undo what it has done',
    tag,
    answers: { 202: { description: 'The import', json: 'Import' } },
  },
  {
    method: 'post',
    path: `${IMPORT}/retry`,
    id: 'retryImport',
    summary: 'Begin a failed import once more',
    tag,
    answers: {
      202: {
        description: 'The new import',
        json: 'Import',
        headers: { Location: 'The new import' },
      },
    },
  },
];
