import { condition, z } from '../../core/api.js';

/** The Image API's limit, in characters. */
const MAX_VALUE = 65_535;

const Value = z
  .union([z.string(), z.number(), z.boolean()])
  .transform(String)
  .refine((value) => value.length <= MAX_VALUE, `expected at most ${MAX_VALUE} characters`)
  .refine((value) => !value.includes('\0'), 'expected no NUL characters');

const Rule = z.strictObject({
  when: condition().optional().describe('Imports that the rule is for; all of them otherwise'),
  unless: condition().optional().describe('Imports that the rule is not for'),
  properties: z
    .record(z.string().min(1), Value)
    .refine((properties) => Object.keys(properties).length > 0, 'expected at least one property')
    .describe('Names and values'),
  existing: z
    .enum(['replace', 'keep'])
    .default('replace')
    .describe('What becomes of a value that the image has already'),
});
export type InjectRule = z.output<typeof Rule>;

export const InjectConfig = z.strictObject({
  rules: z
    .array(Rule)
    .min(1)
    .describe('Every rule that holds is applied, in order; a later one wins over an earlier one'),
});
export type InjectConfig = z.output<typeof InjectConfig>;

/** The properties that a config may have written. */
export function injectedNames({ rules }: InjectConfig): readonly string[] {
  return [...new Set(rules.flatMap(({ properties }) => Object.keys(properties)))];
}
