import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from './load.js';
import { settingsJsonSchema } from './schema.js';
import type { SchemaNode } from './schema.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const DEFAULT_FILE = path.join(ROOT, 'config/default.yaml');
const EXAMPLES = path.join(ROOT, 'config/examples');

function load(file: string | undefined): ReturnType<typeof loadConfig> {
  return loadConfig({ file, env: {}, cwd: path.join(ROOT, 'config'), isTerminal: false });
}

/**
 * The paths of all keys whose default the schema holds; lists count as one value. Sections that are
 * absent by default have none.
 */
function keysWithDefault(node: SchemaNode, prefix: readonly string[] = []): readonly string[] {
  const mapping = node.properties !== undefined ? node : node.anyOf?.find((one) => one.properties);
  if (mapping?.properties === undefined)
    return node.default === undefined ? [] : [prefix.join('.')];
  if (prefix.length > 0 && node.default === undefined) return [];
  return Object.entries(mapping.properties).flatMap(([key, child]) =>
    keysWithDefault(child, [...prefix, key]),
  );
}

function keysOf(value: unknown, prefix: readonly string[] = []): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [prefix.join('.')];
  if (Object.keys(value).length === 0) return [prefix.join('.')];
  return Object.entries(value).flatMap(([key, child]) => keysOf(child, [...prefix, key]));
}

describe('config/default.yaml', () => {
  it('says what holds without it', () => {
    expect(load(DEFAULT_FILE)).toEqual({ ...load(undefined), file: DEFAULT_FILE });
  });

  it('names every key that has a default', () => {
    const written = keysOf(parse(readFileSync(DEFAULT_FILE, 'utf8')));
    expect(written).toEqual(expect.arrayContaining([...keysWithDefault(settingsJsonSchema())]));
  });

  it('names the optional keys in comments', () => {
    const text = readFileSync(DEFAULT_FILE, 'utf8');
    expect(text).toContain('# public_endpoint:');
    expect(text).toContain('# trusted:');
    expect(text).toContain('# keystone:');
    expect(text).toContain('`pipelines:');
  });
});

describe('config/examples', () => {
  beforeEach(() => {
    vi.stubEnv('KEYSTONE_PASSWORD', 'secret');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it.each(readdirSync(EXAMPLES))('%s is valid', (name) => {
    const file = path.join(EXAMPLES, name);
    const config = load(file);
    expect(config.file).toBe(file);
    expect(config).not.toEqual({ ...load(undefined), file });
  });
});
