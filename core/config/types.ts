import { z } from 'zod';
import { exactByteSize, parseByteSize } from '../base/byte-size.js';
import { exactDuration, parseDuration } from '../base/duration.js';

/** What a schema of a byte size takes in YAML and gives to code. */
export type ByteSizeSchema = z.ZodType<number, number | string>;

/**
 * A byte size: `50 GiB`, `1.5 TB` or a number of bytes. Code gets bytes.
 * @param limits both inclusive, in bytes
 */
export function byteSize(
  limits: { readonly min?: number; readonly max?: number } = {},
): ByteSizeSchema {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = limits;
  return z
    .union([z.number(), z.string()])
    .transform((value, context) => {
      const bytes = typeof value === 'string' ? parseByteSize(value) : value;
      if (bytes === undefined || !Number.isSafeInteger(bytes)) {
        return refuse(context, value, 'a size in bytes such as "512 MiB", "50 GiB" or 1048576');
      }
      if (bytes < min) return refuse(context, value, `at least ${exactByteSize(min)}`);
      if (bytes > max) return refuse(context, value, `at most ${exactByteSize(max)}`);
      return bytes;
    })
    .meta({ format: 'byte-size' });
}

/**
 * A duration with its unit: `250 ms`, `30 s`, `5 min`, `2 h`, `7 d`. Code gets milliseconds.
 * @param limits both inclusive, in milliseconds
 */
export function duration(
  limits: { readonly min?: number; readonly max?: number } = {},
): z.ZodType<number, string> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = limits;
  return z
    .union([z.string(), z.number()])
    .transform((value, context) => {
      const ms = typeof value === 'string' ? parseDuration(value) : undefined;
      if (ms === undefined) {
        return refuse(
          context,
          value,
          'a duration with its unit such as "30 s", "5 min", "2 h" or "7 d"',
        );
      }
      if (ms < min) return refuse(context, value, `at least "${exactDuration(min)}"`);
      if (ms > max) return refuse(context, value, `at most "${exactDuration(max)}"`);
      return ms;
    })
    .meta({ format: 'duration' }) as z.ZodType<number, string>; // a bare number is taken only to be refused with the same words
}

function refuse(
  context: z.core.$RefinementCtx,
  input: number | string,
  expected: string,
): typeof z.NEVER {
  context.issues.push({ code: 'custom', input, message: `expected ${expected}` });
  return z.NEVER;
}
