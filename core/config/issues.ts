import type { z } from 'zod';
import { maskUrl } from './mask-url.js';
import type { Problem, SettingsPath } from './problem.js';
import { knownKeys } from './schema.js';
import { didYouMean, nearest } from './suggest.js';

type Issue = z.core.$ZodIssue;

const WORDS: Readonly<Record<string, string>> = {
  object: 'a mapping',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  record: 'a mapping',
};

/** Says in our words what zod has found, with the value that stands there. */
export function problemsOf(
  issue: Issue,
  base: SettingsPath,
  settings: unknown,
): readonly Problem[] {
  const path = [
    ...base,
    ...issue.path.map((part) => (typeof part === 'number' ? part : String(part))),
  ];
  const found = show(valueAt(settings, path));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey([...path, key]));
  }
  if (issue.code === 'invalid_union') return problemsOfUnion(issue, path, settings);
  if (issue.code === 'custom') return [{ path, message: `${issue.message}, ${found}` }];
  const value = valueAt(settings, path);
  const values = issue.code === 'invalid_value' ? issue.values.map(String) : [];
  const near = typeof value === 'string' ? nearest(value, values) : undefined;
  return [
    {
      path,
      message: `expected ${expectation(issue)}, ${found}`,
      ...(near === undefined ? {} : { hint: `Did you mean "${near}"?` }),
    },
  ];
}

function unknownKey(path: SettingsPath): Problem {
  const key = String(path.at(-1));
  const hint = didYouMean(key, knownKeys(path.slice(0, -1)));
  return { path, message: `unknown key "${key}"`, ...(hint === undefined ? {} : { hint }) };
}

/** Of the alternatives the one that the value's own shape fits is spoken of, or all their types. */
function problemsOfUnion(
  issue: Issue & { readonly code: 'invalid_union' },
  path: SettingsPath,
  settings: unknown,
): readonly Problem[] {
  const fitting = issue.errors.find(
    (errors) => !errors.some((error) => error.path.length === 0 && isOfOtherKind(error)),
  );
  if (fitting !== undefined) {
    return fitting.flatMap((error) => problemsOf(error, path, settings));
  }
  const own = issue.errors.flat().find((error) => error.code === 'custom');
  if (own !== undefined) return problemsOf(own, path, settings);
  const words = issue.errors
    .flat()
    .filter((error) => error.path.length === 0)
    .map(expectation);
  const message = `expected ${[...new Set(words)].join(' or ')}, ${show(valueAt(settings, path))}`;
  return [{ path, message }];
}

function isOfOtherKind(issue: Issue): boolean {
  return (
    issue.code === 'invalid_type' ||
    issue.code === 'invalid_value' ||
    issue.code === 'invalid_format'
  );
}

function expectation(issue: Issue): string {
  if (issue.code === 'invalid_type') return WORDS[issue.expected] ?? issue.expected;
  if (issue.code === 'invalid_value') {
    return issue.values.map((word) => `"${String(word)}"`).join(', ');
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') return limitOf(issue);
  if (issue.code === 'invalid_format') {
    if (issue.format === 'regex') return `a text that matches ${issue.pattern ?? ''}`;
    return FORMATS[issue.format] ?? `a text of the form "${issue.format}"`;
  }
  return issue.message;
}

const FORMATS: Readonly<Record<string, string>> = {
  url: 'a URL that begins with "http://" or "https://"',
  cidrv4: 'a network such as "10.20.0.0/16"',
  cidrv6: 'a network such as "fd00::/8"',
};

const COUNTED: Readonly<Record<string, string>> = { array: ' entries', string: ' characters' };

function limitOf(issue: Issue & { readonly code: 'too_small' | 'too_big' }): string {
  const limit =
    issue.code === 'too_small'
      ? `at least ${String(issue.minimum)}`
      : `at most ${String(issue.maximum)}`;
  return `${limit}${COUNTED[issue.origin] ?? ''}`;
}

function show(value: unknown): string {
  if (value === undefined) return 'found nothing';
  if (value === null) return 'found an empty value';
  if (Array.isArray(value)) return value.length === 0 ? 'found an empty list' : 'found a list';
  if (typeof value === 'object') return 'found a mapping';
  const text = maskUrl(JSON.stringify(value));
  return `found ${text.length > 80 ? `${text.slice(0, 77)}…` : text}`;
}

/** The value at a place in plain settings, or `undefined`. */
export function valueAt(settings: unknown, path: SettingsPath): unknown {
  let value = settings;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[part];
  }
  return value;
}
