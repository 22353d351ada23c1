import type { Exchange } from './play.js';

/** What two answers to the same request do not have in common, one line for each place. */
export function differences(ours: Exchange, theirs: Exchange): readonly string[] {
  return [
    ...unequal('status', ours.status, theirs.status),
    ...between('headers', ours.headers, theirs.headers),
    ...between('body', ours.body, theirs.body),
  ];
}

function between(where: string, ours: unknown, theirs: unknown): readonly string[] {
  if (!isObject(ours) || !isObject(theirs) || Array.isArray(ours) !== Array.isArray(theirs)) {
    return unequal(where, ours, theirs);
  }
  if (Array.isArray(ours) && /\.(enum|tags)$/.test(where))
    return unequal(where, sorted(ours), sorted(theirs));
  const keys = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  return [...keys].flatMap((key) => between(`${where}.${key}`, ours[key], theirs[key]));
}

/** Lists that are sets. */
function sorted(list: Record<string, unknown>): readonly string[] {
  return Object.values(list)
    .map((item) => String(item))
    .sort();
}

function unequal(where: string, ours: unknown, theirs: unknown): readonly string[] {
  const [a, b] = [shown(ours), shown(theirs)];
  return a === b ? [] : [`${where}: ${a}, Glance ${b}`];
}

function shown(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
