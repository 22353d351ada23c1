import { BugError } from '../base/errors.js';
import { invalid } from './json-column.js';

/**
 * Bytes or milliseconds on their way into a row. The driver rounds integers beyond 2^53−1 and says
 * nothing.
 * @throws {BugError} `NUMBER_OUT_OF_RANGE` unless it is an integer from 0 to 2^53−1
 */
export function toCount(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new BugError({
    code: 'NUMBER_OUT_OF_RANGE',
    message: `Cannot keep ${value} as "${name}": it is no integer from 0 to 2^53-1`,
  });
}

/** @throws as {@link toCount} */
export function toNullableCount(name: string, value: number | null): number | null {
  return value === null ? null : toCount(name, value);
}

/** @throws {IntegrityError} `ROW_INVALID` as {@link toCount} would refuse it */
export function fromCount(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid(name, `${String(value)} is no integer from 0 to 2^53-1`);
}

/** @throws as {@link fromCount} */
export function fromNullableCount(name: string, value: number | null): number | null {
  return value === null ? null : fromCount(name, value);
}

/** Milliseconds since 1970 UTC. @throws {BugError} `NUMBER_OUT_OF_RANGE` for an invalid date */
export function toTime(value: Date): number {
  return toCount('time', value.getTime());
}

export function toNullableTime(value: Date | null): number | null {
  return value === null ? null : toTime(value);
}

export function fromTime(value: number): Date {
  return new Date(fromCount('time', value));
}

export function fromNullableTime(value: number | null): Date | null {
  return value === null ? null : fromTime(value);
}
