import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { IMAGE_KINDS } from '../../test/support/images/catalogue.js';
import { inspectBytes } from '../../test/support/images/inspect.js';
import { finding, firstOf, RULES, type SafetyRule } from './rules.js';

const page = readFileSync(new URL('../../docs/formats.md', import.meta.url), 'utf8');

/** The rows of the table that follows a heading, as trimmed cells without code marks. */
function tableOf(heading: string): readonly (readonly string[])[] {
  const section = page.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .slice(1, -1)
        .split(' |')
        .map((cell) => cell.trim().replace(/^`(.*)`$/, '$1')),
    );
}

describe('RULES', () => {
  it('have names that differ', () => {
    expect(new Set(RULES.map(({ rule }) => rule)).size).toBe(RULES.length);
  });

  it('say what relaxing means where they refuse', () => {
    const rules: readonly SafetyRule[] = RULES;
    for (const { severity, relaxed } of rules)
      expect(relaxed !== undefined).toBe(severity === 'unsafe');
  });
});

describe('finding', () => {
  it('has the severity and the hint of its rule', () => {
    expect(finding('corrupt-flag', 72, 'The image is marked as corrupt')).toEqual({
      rule: 'corrupt-flag',
      severity: 'unsafe',
      offset: 72,
      message: 'The image is marked as corrupt',
      hint: 'Repair it first: qemu-img check -r all INPUT',
    });
  });
});

describe('firstOf', () => {
  it('keeps a few findings of each rule and drops none of a rule alone', () => {
    const many = Array.from({ length: 100 }, (_, at) => finding('unknown-features', at, 'x'));
    const kept = firstOf([...many, finding('truncated', 7, 'y')]);
    expect(kept).toHaveLength(9);
    expect(kept.at(-1)).toMatchObject({ rule: 'truncated', offset: 7 });
  });
});

describe('metadata', () => {
  it.each(IMAGE_KINDS)('of $name has only keys that docs/formats.md lists', ({ format, make }) => {
    const documented = [...tableOf(format), ...tableOf('raw')].map(([key]) => key);
    const keys = Object.keys(inspectBytes(make()).metadata);
    expect(keys.filter((key) => !documented.includes(key))).toEqual([]);
  });
});
