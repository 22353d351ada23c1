import { PATTERN_HINT, patternProblem } from '../../base/pattern.js';
import type { Check } from './check.js';
import { RuleSyntaxError, parseRule } from './language.js';
import { missingRule, namesIn, readRules } from './read-rules.js';
import type { RuleProblem } from './read-rules.js';

/** What may be done with one property of an image. */
export const PROPERTY_ACTS = ['create', 'read', 'update', 'delete'] as const;
export type PropertyAct = (typeof PROPERTY_ACTS)[number];

/** Rules for the properties whose names match, as a deployer writes them. */
export type ProtectionText = { readonly match: string } & Readonly<Record<PropertyAct, string>>;

/** Rules for the properties whose names match. */
export interface Protection {
  readonly match: RegExp;
  readonly checks: Readonly<Record<PropertyAct, Check>>;
}

export interface ProtectionProblem extends Pick<RuleProblem, 'message' | 'hint'> {
  readonly index: number;
  readonly key: 'match' | PropertyAct;
}

/** The whole policy of a deployer: rules by name, and those for properties, which may use them. */
export interface PolicyText {
  readonly rules: ReadonlyMap<string, Check>;
  readonly problems: readonly RuleProblem[];
  readonly protections: readonly Protection[];
  readonly protectionProblems: readonly ProtectionProblem[];
}

export function readPolicy(
  overrides: Readonly<Record<string, string>>,
  texts: readonly ProtectionText[],
): PolicyText {
  const protectionProblems: ProtectionProblem[] = [];
  const protections = texts.map((text, index) =>
    readProtection(text, (key, message, hint) => {
      protectionProblems.push({ index, key, message, hint });
    }),
  );
  const used = protections.flatMap(({ checks }) => Object.values(checks).flatMap(namesIn));
  const { rules, problems } = readRules(overrides, used);
  for (const [index, { checks }] of protections.entries()) {
    for (const key of PROPERTY_ACTS) {
      const missing = missingRule(checks[key], rules);
      if (missing !== undefined) protectionProblems.push({ index, key, ...missing });
    }
  }
  return { rules, problems, protections, protectionProblems };
}

type Refuse = (key: ProtectionProblem['key'], message: string, hint: string) => void;

function readProtection(text: ProtectionText, refuse: Refuse): Protection {
  const check = (act: PropertyAct): Check => {
    try {
      return parseRule(text[act]);
    } catch (error) {
      if (!(error instanceof RuleSyntaxError)) throw error;
      refuse(act, error.message, error.hint);
      return { kind: 'never' };
    }
  };
  return {
    match: pattern(text.match, refuse),
    checks: {
      create: check('create'),
      read: check('read'),
      update: check('update'),
      delete: check('delete'),
    },
  };
}

function pattern(text: string, refuse: Refuse): RegExp {
  const problem = patternProblem(text);
  if (problem === undefined) return new RegExp(text);
  refuse('match', problem, PATTERN_HINT);
  return /(?!)/;
}
