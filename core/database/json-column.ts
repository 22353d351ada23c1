import { z } from 'zod';
import { BugError, ERROR_CLASSES, IntegrityError } from '../base/errors.js';
import type { Failure } from '../base/errors.js';
import type { Json, JsonObject } from '../base/json.js';

/** How a value is kept as JSON in a text column, and checked when it is read again. */
export interface JsonColumn<T> {
  /** @throws {BugError} `NOT_JSON` when the value has no JSON text */
  write(value: T): string;
  /** @throws {IntegrityError} `ROW_INVALID` when the text is not such a value */
  read(text: string): T;
  writeNullable(value: T | null): string | null;
  readNullable(text: string | null): T | null;
}

/** `name` is `<table>.<column>`, for errors. Unknown keys of objects must pass the schema. */
export function jsonColumn<T>(name: string, schema: z.ZodType<T>): JsonColumn<T> {
  const column: JsonColumn<T> = {
    write(value) {
      // `stringify` answers undefined for what has no JSON text, whatever its type says.
      const text = JSON.stringify(value) as string | undefined;
      if (text !== undefined) return text;
      throw new BugError({ code: 'NOT_JSON', message: `No JSON value for "${name}"` });
    },
    read(text) {
      const result = schema.safeParse(parse(name, text));
      if (result.success) return result.data;
      throw invalid(name, z.prettifyError(result.error), result.error);
    },
    writeNullable: (value) => (value === null ? null : column.write(value)),
    readNullable: (text) => (text === null ? null : column.read(text)),
  };
  return column;
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw invalid(name, 'not JSON', error);
  }
}

/** A row that this version cannot have written. */
export function invalid(name: string, what: string, cause?: unknown): IntegrityError {
  return new IntegrityError({
    code: 'ROW_INVALID',
    message: `The database has a wrong value in "${name}": ${what}`,
    hint: 'Restore the database from a backup; nothing but Stowage may write to it',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Anything that JSON can say. */
export const jsonSchema = z.custom<Json>((value) => value !== undefined);

export const jsonObjectSchema = z.custom<JsonObject>(isObject, 'expected an object');

/** Not `z.record`, which drops a key named `__proto__`. */
export const stringRecordSchema = z.custom<Readonly<Record<string, string>>>(
  (value) => isObject(value) && Object.values(value).every((member) => typeof member === 'string'),
  'expected an object of strings',
);

export const failureSchema = z.looseObject({
  class: z.enum(ERROR_CLASSES),
  code: z.string(),
  message: z.string(),
  hint: z.string().exactOptional(),
  details: jsonObjectSchema.exactOptional(),
  causes: z.array(z.string()).exactOptional(),
}) satisfies z.ZodType<Failure>;

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
