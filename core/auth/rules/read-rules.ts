import type { Check } from './check.js';
import { parseRule, RuleSyntaxError } from './language.js';
import { isRuleName, RULES } from './table.js';

/** One thing wrong with the rules of a deployer. */
export interface RuleProblem {
  readonly rule: string;
  readonly message: string;
  readonly hint: string;
}

/**
 * The table with a deployer's rules above it. A name that the table does not have is allowed where
 * something uses it; by itself it would guard nothing, so it is most likely misspelt.
 */
export function readRules(
  overrides: Readonly<Record<string, string>>,
  usedElsewhere: readonly string[] = [],
): {
  readonly rules: ReadonlyMap<string, Check>;
  readonly problems: readonly RuleProblem[];
} {
  const problems: RuleProblem[] = [];
  const rules = new Map<string, Check>();
  for (const [name, { rule }] of Object.entries(RULES)) rules.set(name, parseRule(rule));
  for (const [name, text] of Object.entries(overrides)) {
    try {
      rules.set(name, parseRule(text));
    } catch (error) {
      if (!(error instanceof RuleSyntaxError)) throw error;
      problems.push({ rule: name, message: error.message, hint: error.hint });
      rules.set(name, { kind: 'never' });
    }
  }
  const used = new Set([...usedElsewhere, ...[...rules.values()].flatMap(namesIn)]);
  for (const name of Object.keys(overrides)) {
    const missing = missingRule(rules.get(name), rules);
    if (missing !== undefined) {
      problems.push({ rule: name, ...missing });
    } else if (isCircular(name, rules)) {
      problems.push({
        rule: name,
        message: `The rule "${name}" comes back to itself`,
        hint: 'Break the circle of "rule:" checks',
      });
    } else if (!isRuleName(name) && !used.has(name)) {
      problems.push({
        rule: name,
        message: `The rule "${name}" guards nothing`,
        hint: 'Correct its name, or use it in another rule with "rule:"',
      });
    }
  }
  return { rules, problems };
}

/** What is wrong where a check names a rule that there is not. */
export function missingRule(
  check: Check | undefined,
  rules: ReadonlyMap<string, Check>,
): Pick<RuleProblem, 'message' | 'hint'> | undefined {
  const missing = namesIn(check).find((name) => !rules.has(name));
  if (missing === undefined) return undefined;
  return {
    message: `There is no rule "${missing}"`,
    hint: 'Declare it among the rules of the policy, or name one that there is',
  };
}

/** Rules that a check asks for. */
export function namesIn(check: Check | undefined): readonly string[] {
  if (check === undefined) return [];
  if (check.kind === 'rule') return [check.name];
  if (check.kind === 'not') return namesIn(check.check);
  return 'checks' in check ? check.checks.flatMap(namesIn) : [];
}

function isCircular(start: string, rules: ReadonlyMap<string, Check>): boolean {
  const seen = new Set<string>();
  const open = [...namesIn(rules.get(start))];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === start) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    open.push(...namesIn(rules.get(name)));
  }
  return false;
}
