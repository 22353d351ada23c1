import { z } from 'zod';
import type { JsonObject } from '../base/json.js';
import { NotJsonError, freezeConfig } from './frozen-config.js';
import { schemaProblems } from './schema-problems.js';
import type { SchemaProblem } from './schema-problems.js';

/** The config of one plugin, method or store after its own schema. */
export type JudgedConfig =
  | { readonly valid: true; readonly config: unknown; readonly frozen: JsonObject }
  | {
      readonly valid: false;
      /** The config is wrong, or the schema is. */
      readonly blame: 'config' | 'schema';
      readonly problems: readonly SchemaProblem[];
    };

const NoConfig = z.strictObject({});

/** Applies a schema; one that is absent takes no settings at all. */
export function judgeConfig(schema: z.ZodType | undefined, raw: JsonObject): JudgedConfig {
  try {
    const parsed = (schema ?? NoConfig).safeParse(raw);
    if (!parsed.success) return invalid('config', schemaProblems(parsed.error));
    return { valid: true, config: parsed.data, frozen: freezeConfig(parsed.data) };
  } catch (error) {
    if (error instanceof NotJsonError) {
      const problem = 'the schema makes a value that is neither JSON nor a secret';
      return invalid('schema', [{ path: error.path, problem }]);
    }
    const message = error instanceof Error ? error.message : String(error);
    return invalid('schema', [{ path: [], problem: `the schema failed: ${message}` }]);
  }
}

function invalid(blame: 'config' | 'schema', problems: readonly SchemaProblem[]): JudgedConfig {
  return { valid: false, blame, problems };
}
