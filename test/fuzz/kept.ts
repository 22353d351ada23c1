import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { JsonObject } from '../../core/base/json.js';

/** Cases that have failed once, each a file; a test runs them for ever. */
const FOLDER = path.resolve(import.meta.dirname, '../fixtures/fuzz');

export type KeptCase = {
  readonly target: string;
  /** What was not kept when it was found. */
  readonly promise: string;
  readonly input: JsonObject;
};

/** Writes a case into the folder of kept ones and answers with its file. */
export function keep(kept: KeptCase): string {
  const text = `${JSON.stringify(kept, null, 2)}\n`;
  const name = createHash('sha256').update(text).digest('hex').slice(0, 12);
  mkdirSync(FOLDER, { recursive: true });
  const file = path.join(FOLDER, `${kept.target}-${name}.json`);
  writeFileSync(file, text);
  return file;
}

/** Every kept case with the name of its file. */
export function keptCases(): readonly (readonly [file: string, kept: KeptCase])[] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => [file, JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as KeptCase]);
}
