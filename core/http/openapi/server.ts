import type { Operation } from './operation.js';

const tag = 'Server';

export const SERVER_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/',
    id: 'discover',
    summary: 'The versions of the Image API',
    tag,
    isOpen: true,
    answers: { 300: { description: 'All of them', json: 'Versions' } },
  },
  {
    method: 'get',
    path: '/versions',
    id: 'listVersions',
    summary: 'The versions of the Image API',
    tag,
    isOpen: true,
    answers: { 200: { description: 'All of them', json: 'Versions' } },
  },
  {
    method: 'get',
    path: '/v2/info/import',
    id: 'listImportMethods',
    summary: 'The import methods that may be asked for',
    tag,
    answers: { 200: { description: 'Their names', json: 'ImportMethods' } },
  },
  {
    method: 'get',
    path: '/v2/info/usage',
    id: 'showUsage',
    summary: "Usage and limits of the caller's project, sizes in MiB",
    tag,
    answers: { 200: { description: 'Those quotas that are on', json: 'Usage' } },
  },
  {
    method: 'get',
    path: '/v2/schemas/{name}',
    id: 'showSchema',
    summary: 'A JSON schema, as clients of the Image API fetch it',
    tag,
    answers: { 200: { description: 'The schema', json: 'Schema' } },
  },
  {
    method: 'get',
    path: '/stowage/v1/openapi.json',
    id: 'showDocument',
    summary: 'This document',
    tag,
    isOpen: true,
    answers: { 200: { description: 'OpenAPI 3.1', json: 'Document' } },
  },
  {
    method: 'get',
    path: '/healthcheck',
    id: 'checkHealth',
    summary: 'Whether the server takes requests',
    tag,
    isOpen: true,
    answers: {
      200: { description: 'It does', json: 'Health', type: 'text/plain' },
      503: { description: 'It stops', json: 'Health', type: 'text/plain' },
    },
  },
  {
    method: 'get',
    path: '/metrics',
    id: 'showMetrics',
    summary: 'Metrics in the text format of Prometheus',
    tag,
    isOpen: true,
    answers: { 200: { description: 'All of them', type: 'text/plain' } },
  },
];
