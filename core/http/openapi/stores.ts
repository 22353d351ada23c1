import { NO_CONTENT } from './operation.js';
import type { Operation } from './operation.js';

const tag = 'Stores';
const LOCATIONS = '/v2/images/{id}/locations';
const VOLUMES = '/v2/images/{id}/volumes';

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
  {
    method: 'post',
    path: VOLUMES,
    id: 'createImageVolume',
    summary: 'Have a volume made of an image',
    tag,
    body: { json: 'NewVolume' },
    answers: {
      202: {
        description: 'It is being made',
        json: 'ImageVolume',
        headers: { Location: 'The same, as it goes on' },
      },
    },
  },
  {
    method: 'get',
    path: VOLUMES,
    id: 'listImageVolumes',
    summary: 'Volumes that the project has had made of an image',
    tag,
    answers: { 200: { description: 'The newest first', json: 'ImageVolumes' } },
  },
  {
    method: 'get',
    path: `${VOLUMES}/{volume}`,
    id: 'showImageVolume',
    summary: 'A volume that the project has had made of an image',
    tag,
    answers: { 200: { description: 'How far it is', json: 'ImageVolume' } },
  },
];
