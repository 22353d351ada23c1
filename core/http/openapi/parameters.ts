import { z } from 'zod';
import type { Parameter } from './operation.js';

/** Of every list that comes in pages. */
export function paging(max: number): readonly Parameter[] {
  return [
    {
      name: 'limit',
      description: `Length of the page; at most ${max}, whatever is asked for`,
      schema: z.int().min(0).default(25),
    },
    {
      name: 'marker',
      description: 'Id after which the page begins, as "next" of the page before says it',
      schema: z.string(),
    },
  ];
}

/** By their names in paths; the id of an image where nothing else is said. */
export const PATH_PARAMETERS: Readonly<Record<string, Omit<Parameter, 'name'>>> = {
  id: { description: 'Id of the image', schema: z.guid() },
  import: { description: 'Id of the import', schema: z.guid() },
  tag: { description: 'Text of the tag', schema: z.string().max(255) },
  member: { description: 'Id of the project', schema: z.string().max(255) },
  store: { description: 'Id of the store', schema: z.string() },
  upload: { description: 'Id of the upload', schema: z.guid() },
  volume: { description: 'Id of the request for a volume', schema: z.guid() },
  name: {
    description: 'Kind of the record',
    schema: z.enum(['image', 'images', 'member', 'members', 'task', 'tasks']),
  },
};

/** Chooses the one store of new bytes. */
export const STORE_HEADER: Parameter = {
  name: 'X-Image-Meta-Store',
  description: 'Id of the store for the bytes; the default store where it is absent',
  schema: z.string(),
};
