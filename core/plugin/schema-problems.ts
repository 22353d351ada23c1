import type { z } from 'zod';

/** One thing that a schema has against a value. */
export interface SchemaProblem {
  /** Keys and positions from the value inwards. */
  readonly path: readonly (string | number)[];
  readonly problem: string;
}

/** Every problem that a failed parse has found, unknown keys one by one. */
export function schemaProblems(error: z.ZodError): readonly SchemaProblem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...path, key], problem: `unknown key "${key}"` }));
    }
    return [{ path, problem: issue.message }];
  });
}

/** Writes a place the way people do: `imports.pipeline[3].config`. */
export function joinPath(base: string, path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`,
    base,
  );
}
