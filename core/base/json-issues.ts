import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

const WORDS: Readonly<Record<string, string>> = {
  object: 'an object',
  record: 'an object',
  array: 'an array',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

/**
 * What is wrong with a JSON value from outside, one sentence part for each issue, its place first:
 * `method.uri: expected a text, found nothing`.
 * @param base name of the value itself; `` where its places stand alone
 */
export function describeJsonIssues(
  error: z.ZodError,
  value: unknown,
  base = '',
): readonly string[] {
  return error.issues.flatMap((issue) => {
    const place = [base, ...issue.path.map(String)].filter((part) => part !== '').join('.');
    const prefix = place === '' ? '' : `${place}: `;
    return problems(issue, valueAt(value, issue.path)).map((problem) => `${prefix}${problem}`);
  });
}

function problems(issue: Issue, value: unknown): readonly string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `unknown key "${key}"`);
  }
  if (issue.code === 'invalid_type') {
    return [`expected ${WORDS[issue.expected] ?? issue.expected}, found ${show(value)}`];
  }
  if (issue.code === 'invalid_value') {
    const values = issue.values.map((word) => `"${String(word)}"`).join(', ');
    const choice = issue.values.length === 1 ? values : `one of ${values}`;
    return [`expected ${choice}, found ${show(value)}`];
  }
  return [issue.message];
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === 'object' && inner !== null
        ? (inner as Readonly<Record<PropertyKey, unknown>>)[part]
        : undefined,
    value,
  );
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
