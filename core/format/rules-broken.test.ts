import { describe, expect, it } from 'vitest';
import { brokenImages } from '../../test/support/images/broken.js';
import { inspectBytes } from '../../test/support/images/inspect.js';
import { RULES, type SafetyRule } from './rules.js';

/** Disk formats whose structures are inspected. */
const FORMATS = ['qcow2', 'qcow', 'qed', 'vmdk', 'vhd', 'vhdx', 'vdi', 'luks', 'iso'];

/** Their tests are those of `Session` and of `combine`. */
const OF_NO_FORMAT = ['inspector-failed', 'multiple-formats'];

const images = brokenImages();

describe.each(images)(
  '$format that breaks $rule at $at',
  ({ rule, format, at, good, bad, ...limit }) => {
    it('is refused, with its place, reason and way out', () => {
      const result = inspectBytes(bad, 100_000, limit);
      const found = result.findings.filter((finding) => finding.rule === rule);
      const { hint } = RULES.find((known) => known.rule === rule) ?? {};
      expect({ format: result.format, safe: result.safe }).toEqual({ format, safe: false });
      expect(found).toContainEqual({
        rule,
        severity: 'unsafe',
        offset: at,
        message: expect.stringMatching(/^[A-Z0-9].{10,}[^.]$/s) as string,
        hint,
      });
    });

    it('is next to an image that is safe', () => {
      const { safe, findings } = inspectBytes(good, 100_000, limit);
      expect({ safe, unsafe: findings.filter(({ severity }) => severity === 'unsafe') }).toEqual({
        safe: true,
        unsafe: [],
      });
    });
  },
);

describe('RULES', () => {
  const rules: readonly SafetyRule[] = RULES;
  const pairs = rules
    .filter(({ rule, severity }) => severity === 'unsafe' && !OF_NO_FORMAT.includes(rule))
    .flatMap(({ rule, formats }) =>
      FORMATS.filter((format) => formats.includes(format) || formats.includes('*')).map(
        (format) => `${rule} of ${format}`,
      ),
    );

  it('are broken by an image of each format that they name', () => {
    const shown = images.map(({ rule, format }) => `${rule} of ${format}`);
    expect(pairs.filter((pair) => !shown.includes(pair))).toEqual([]);
  });
});
