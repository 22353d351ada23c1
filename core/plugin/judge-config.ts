import { z } from 'zod';
import type { JsonObject } from '../base/json.js';
import { problemsOf } from '../config/issues.js';
import type { SettingsPath } from '../config/problem.js';
import { didYouMean } from '../config/suggest.js';
import { NotJsonError, freezeConfig } from './frozen-config.js';

/** The config of one plugin, method or store after its own schema. */
export type JudgedConfig =
  | { readonly valid: true; readonly config: unknown; readonly frozen: JsonObject }
  | {
      readonly valid: false;
      /** The config is wrong, or the schema is. */
      readonly blame: 'config' | 'schema';
      readonly problems: readonly ConfigProblem[];
    };

export interface ConfigProblem {
  /** Place in the plugin's part of the config. */
  readonly path: SettingsPath;
  readonly problem: string;
  readonly fix: string;
}

const NoConfig = z.strictObject({});

/** Applies a schema; one that is absent takes no settings at all. */
export function judgeConfig(schema: z.ZodType | undefined, raw: JsonObject): JudgedConfig {
  const used = schema ?? NoConfig;
  try {
    const parsed = used.safeParse(raw);
    if (!parsed.success) {
      const problems = parsed.error.issues.flatMap((issue) => describeIssue(issue, used, raw));
      return { valid: false, blame: 'config', problems };
    }
    return { valid: true, config: parsed.data, frozen: freezeConfig(parsed.data) };
  } catch (error) {
    if (error instanceof NotJsonError) {
      return schemaFault(error.path, 'the schema makes a value that is neither JSON nor a secret');
    }
    const message = error instanceof Error ? error.message : String(error);
    return schemaFault([], `the schema failed: ${message}`);
  }
}

function schemaFault(path: SettingsPath, problem: string): JudgedConfig {
  const fix = 'Report this to the author of the plugin';
  return { valid: false, blame: 'schema', problems: [{ path, problem, fix }] };
}

function describeIssue(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  raw: JsonObject,
): readonly ConfigProblem[] {
  // Under a key that the server's own settings do not have, so that none of theirs is suggested.
  return problemsOf(issue, ['config'], { config: raw }).map(({ path, message, hint }) => {
    const inside = path.slice(1);
    const isUnknownKey = issue.code === 'unrecognized_keys' && inside.length === 1;
    const near = isUnknownKey ? didYouMean(String(inside[0]), keysOf(schema)) : undefined;
    return { path: inside, problem: message, fix: near ?? hint ?? 'Correct it there' };
  });
}

function keysOf(schema: z.ZodType): readonly string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}
