import { NO_CONTENT } from './operation.js';
import type { Operation } from './operation.js';

const tag = 'Stores';
const LOCATIONS = '/v2/images/{id}/locations';

export const STORE_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/info/stores',
    id: 'listStores',
    summary: 'The stores that images can be in',
    tag,
    answers: { 200: { description: 'All of them', json: 'Stores' } },
  },
  {
    method: 'get',
    path: '/v2/info/stores/detail',
    id: 'listStoreDetails',
    summary: 'The stores with their kind and their outages, for admins',
    tag,
    answers: { 200: { description: 'All of them', json: 'StoresDetail' } },
  },
  {
    method: 'delete',
    path: '/v2/stores/{store}/{id}',
    id: 'removeFromStore',
    summary: 'Take an image out of one of the stores that have it',
    tag,
    answers: { 204: NO_CONTENT },
  },
  {
    method: 'get',
    path: LOCATIONS,
    id: 'listLocations',
    summary: 'Where the bytes of an image are, for services',
    tag,
    answers: { 200: { description: 'All of them', json: 'Locations' } },
  },
  {
    method: 'post',
    path: LOCATIONS,
    id: 'registerLocation',
    summary: 'Have bytes imported that a store holds already',
    tag,
    body: { json: 'NewLocation' },
    answers: {
      202: {
        description: 'The import has begun',
        json: 'Location',
        headers: { Location: 'The import' },
      },
    },
  },
];
