import { readFileSync } from 'node:fs';
import { LineCounter, isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { systemCode } from '../base/errors.js';
import { ConfigError } from './problem.js';
import type { SettingsPath } from './problem.js';

/** A YAML file with the places of its values. */
export interface YamlFile {
  /** The file's mapping; empty when the file is. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** `FILE:LINE:COLUMN` of the key or list entry, or of the nearest one around it that exists. */
  position(path: SettingsPath): string;
}

/**
 * @param file absolute path
 * @throws {ConfigError} when the file cannot be read, is not YAML, or is no mapping
 */
export function readYamlFile(file: string): YamlFile {
  return parseYaml(file, readText(file));
}

/** As {@link readYamlFile}, of text that has been read. */
export function parseYaml(file: string, text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ message, pos }) => ({
      path: [],
      message,
      origin: at(pos[0]),
    }));
    throw new ConfigError(`"${file}"`, problems);
  }
  const settings: unknown = document.toJS();
  if (settings !== null && (typeof settings !== 'object' || Array.isArray(settings))) {
    const message = 'expected a mapping of sections such as `server:` and `stores:`';
    throw new ConfigError(`"${file}"`, [{ path: [], message, origin: at(0) }]);
  }
  return {
    settings: (settings ?? {}) as Readonly<Record<string, unknown>>,
    position: (path) => at(offsetOf(document, path)),
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const missing = systemCode(error) === 'ENOENT';
    throw new ConfigError(`"${file}"`, [
      {
        path: [],
        message: missing ? 'there is no such file' : `cannot read it: ${String(error)}`,
        hint: 'Name a YAML file that this user may read; config/default.yaml is one to start from',
      },
    ]);
  }
}

function offsetOf(document: Document, path: SettingsPath): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(
        ({ key }) => isScalar(key) && String(key.value) === String(part),
      );
      if (pair === undefined) break;
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(part)];
      if (!isNode(item)) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else break;
  }
  return offset;
}
