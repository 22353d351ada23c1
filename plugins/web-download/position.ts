import { z } from '../../core/api.js';
import type { Json } from '../../core/api.js';

/**
 * Where a download stands, as it is kept in the row of its task: a later attempt asks for the bytes that are
 * missing and for nothing else.
 */
const Position = z.strictObject({
  /** Index of the address that the bytes come from. */
  mirror: z.int().min(0),
  /** Attempts in a row that this address has failed. */
  failures: z.int().min(0),
  /** What that address has said of the content; `null` until it is known, and when it has changed. */
  content: z
    .strictObject({
      size: z.int().min(0).nullable(),
      validator: z.string().nullable(),
      takesRanges: z.boolean(),
    })
    .nullable(),
  /** The digest that the bytes must have. */
  digest: z.strictObject({ algorithm: z.string(), value: z.string() }).nullable(),
});
export type Position = z.output<typeof Position>;

/** What an earlier attempt has kept; `undefined` where there is none that fits. */
export function readPosition(kept: Json | undefined, addresses: number): Position | undefined {
  const parsed = Position.safeParse(kept);
  return parsed.success && parsed.data.mirror < addresses ? parsed.data : undefined;
}
