import { problemsOf } from './issues.js';
import type { Problem } from './problem.js';
import { knownKeys } from './schema.js';
import { checkRules } from './rules.js';
import { SettingsSchema } from './settings.js';
import type { Settings } from './settings.js';
import { didYouMean } from './suggest.js';

export type ParsedSettings =
  { readonly settings: Settings } | { readonly problems: readonly Problem[] };

/**
 * Validates raw settings. Each section is judged by itself, so that a fault in one does not hide
 * those of the others, and the rules that join sections see all that are valid.
 */
export function parseSettings(raw: Readonly<Record<string, unknown>>): ParsedSettings {
  const sections = SettingsSchema.shape;
  const problems: Problem[] = [];
  for (const key of Object.keys(raw)) {
    if (key in sections) continue;
    const hint = didYouMean(key, knownKeys([]));
    problems.push({
      path: [key],
      message: `unknown key "${key}"`,
      ...(hint === undefined ? {} : { hint }),
    });
  }
  const valid: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(sections)) {
    // A section whose keys are all commented out reads as null.
    const result = schema.safeParse(raw[key] ?? undefined);
    if (result.success) valid[key] = result.data;
    else problems.push(...result.error.issues.flatMap((issue) => problemsOf(issue, [key], raw)));
  }
  // Every key of `valid` was made by the schema of the same key.
  problems.push(...checkRules(valid));
  return problems.length > 0 ? { problems } : { settings: valid as Settings };
}
