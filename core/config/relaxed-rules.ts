import { RULES, type SafetyRule } from '../format/rules.js';
import type { Problem } from './problem.js';
import { didYouMean } from './suggest.js';

/** What is wrong with `images.relaxed_rules`: a name is one of a safety rule that refuses. */
export function checkRelaxedRules(names: readonly string[]): readonly Problem[] {
  return names.flatMap((name, index): readonly Problem[] => {
    const path = ['images', 'relaxed_rules', index];
    const rules: readonly SafetyRule[] = RULES;
    const known = rules.find(({ rule }) => rule === name);
    if (known?.severity === 'unsafe') return [];
    if (known !== undefined) {
      const message = `the safety rule "${name}" refuses nothing`;
      return [{ path, message, hint: 'Remove it: its findings only inform' }];
    }
    const hint = didYouMean(
      name,
      rules.filter(isUnsafe).map(({ rule }) => rule),
    );
    const message = `no safety rule has the name "${name}"`;
    return [{ path, message, ...(hint === undefined ? {} : { hint }) }];
  });
}

function isUnsafe({ severity }: SafetyRule): boolean {
  return severity === 'unsafe';
}
