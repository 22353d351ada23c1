import { z } from 'zod';
import { describeFailure } from '../../base/errors.js';
import type { JsonObject } from '../../base/json.js';
import type { StoreInfo } from '../../plugin/contract/services.js';
import { JSON_OBJECT } from './wire-types.js';

const STORE = z.strictObject({
  id: z.string(),
  description: z.string().exactOptional(),
  default: z.literal('true').exactOptional(),
  'read-only': z.literal('true').exactOptional(),
});

export const STORES = z.strictObject({ stores: z.array(STORE) });

const STORE_DETAIL = STORE.extend({
  type: z.string(),
  weight: z.int(),
  properties: JSON_OBJECT,
  outage: z
    .looseObject({ class: z.string(), code: z.string(), message: z.string() })
    .exactOptional(),
});

export const STORES_DETAIL = z.strictObject({ stores: z.array(STORE_DETAIL) });

/** Booleans are texts here, and there only when true (API-76). */
export function presentStore(store: StoreInfo): z.output<typeof STORE> {
  return {
    id: store.id,
    ...(store.description === '' ? {} : { description: store.description }),
    ...(store.isDefault ? { default: 'true' } : {}),
    ...(store.readOnly ? { 'read-only': 'true' } : {}),
  };
}

/** @param outage why nothing can be read from it or written to it now; `undefined` where it works */
export function presentStoreDetail(
  store: StoreInfo,
  properties: JsonObject,
  outage: unknown,
): z.output<typeof STORE_DETAIL> {
  return {
    ...presentStore(store),
    type: store.driver,
    weight: 0,
    properties,
    ...(outage === undefined ? {} : { outage: { ...describeFailure(outage) } }),
  };
}
