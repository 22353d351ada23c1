import { settingsJsonSchema } from './schema.js';
import type { SchemaNode } from './schema.js';

/** Format of a value that may stand elsewhere: `{ env: NAME }`, `{ file: PATH }`. */
const SECRET = 'password';

/** One key of the config file, for people. */
export interface ReferenceRow {
  /** `imports.retry.attempts`, `stores[].id`. */
  readonly key: string;
  readonly type: string;
  /** As YAML in its short form; empty where there is none. */
  readonly default: string;
  readonly description: string;
}

/** Every key of the config file, in the order of the schema. */
export function settingsReference(
  node: SchemaNode = settingsJsonSchema(),
  prefix = '',
): readonly ReferenceRow[] {
  const mapping = mappingOf(node);
  if (mapping?.properties !== undefined) {
    return Object.entries(mapping.properties).flatMap(([key, child]) => {
      const name = prefix === '' ? key : `${prefix}.${key}`;
      const below = settingsReference(child, name);
      return below.length > 0 && mappingOf(child)?.properties !== undefined
        ? below
        : [row(name, child), ...below];
    });
  }
  const entry = node.items === undefined ? undefined : mappingOf(node.items);
  return entry?.properties === undefined ? [] : settingsReference(entry, `${prefix}[]`);
}

function mappingOf(node: SchemaNode): SchemaNode | undefined {
  if (node.format === SECRET) return undefined;
  return node.properties === undefined
    ? node.anyOf?.find(({ properties }) => properties !== undefined)
    : node;
}

function row(key: string, node: SchemaNode): ReferenceRow {
  return {
    key,
    type: typeOf(node),
    default: node.default === undefined ? '' : JSON.stringify(node.default),
    description: node.description ?? '',
  };
}

const FORMATS: Readonly<Record<string, string>> = {
  'byte-size': 'size',
  duration: 'duration',
  [SECRET]: 'secret',
};
const WORDS: Readonly<Record<string, string>> = {
  object: 'mapping',
  string: 'text',
  integer: 'whole number',
  boolean: 'true or false',
};
/** More words than this are left to the place that explains them. */
const MAX_ENUM = 4;

function typeOf(node: SchemaNode): string {
  const format = FORMATS[node.format ?? ''];
  if (format !== undefined) return format;
  if (node.enum !== undefined && node.enum.length <= MAX_ENUM)
    return node.enum.map(String).join(', ');
  if (typeof node.const === 'string') return node.const;
  if (node.items !== undefined) return `list of ${typeOf(node.items)}`;
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(typeOf))].join(' or ');
  return [node.type ?? 'any']
    .flat()
    .map((type) => WORDS[type] ?? type)
    .join(' or ');
}
