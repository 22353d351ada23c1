import { afterAll, describe, expect, it } from 'vitest';
import { RULES } from '../../core/format/rules.js';
import { corpusBytes, corpusManifest, corpusRows } from '../support/corpus.js';
import type { CorpusRow as Row } from '../support/corpus.js';
import { brokenRules, inspectBytes } from '../support/images/inspect.js';

const rows = corpusRows();
const isPresent = rows.length > 0;

/** Rows whose truth the inspectors do not tell, by what holds instead. */
const NOT_HANDLED = [
  {
    reason: 'a compressed file is named; what it holds is judged once it is unpacked',
    applies: (row: Row) => typeof row.compressed_container === 'string',
    holds: (row: Row, format: string) => row.compressed_container?.split('>')[0] === format,
  },
];

/** A disk with a partition table is raw with a subformat. */
const OTHER_NAMES = new Map([
  ['gpt', ['raw']],
  ['mbr', ['raw']],
]);

/** The format of the disk in an OVA, whose rules hold there too. */
function memberFormat(told: unknown): string {
  return typeof told === 'string' ? told : '';
}

function accepted(row: Row): readonly string[] {
  const names = [row.format, ...(row.accept_formats ?? [])];
  return [...names, ...names.flatMap((name) => OTHER_NAMES.get(name) ?? [])];
}

if (!isPresent) {
  console.warn(
    `The image corpus is absent: there is no "${corpusManifest}". Set STOWAGE_TEST_IMAGES to its folder`,
  );
}

describe.skipIf(isPresent)('image corpus', () => {
  it.runIf(process.env['CI'] === 'true')('is present in CI', () => {
    expect.fail(`There is no "${corpusManifest}"`);
  });
});

describe.skipIf(!isPresent)('image corpus', () => {
  const figures = new Map<string, { right: number; total: number }>();

  function count(group: string, isRight: boolean): void {
    const { right, total } = figures.get(group) ?? { right: 0, total: 0 };
    figures.set(group, { right: right + (isRight ? 1 : 0), total: total + 1 });
  }

  afterAll(() => {
    for (const [group, { right, total }] of figures) {
      console.log(`${group}: ${right} of ${total} rows as the manifest says`);
    }
  });

  it.each(rows)('$path', (row) => {
    const result = inspectBytes(corpusBytes(row), 65536);
    const { format, safe, virtualSize, findings } = result;
    expect(brokenRules(result)).not.toContain('inspector-failed');
    for (const { rule } of findings) {
      const formats: readonly string[] = RULES.find((known) => known.rule === rule)?.formats ?? [];
      const found = [
        format,
        ...(brokenRules(result).includes('multiple-formats') ? ['iso'] : []),
        memberFormat(result.metadata['disk_format']),
      ];
      expect(formats.includes('*') || found.some((name) => formats.includes(name))).toBe(true);
    }
    const open = NOT_HANDLED.find(({ applies }) => applies(row));
    if (open) {
      expect({ reason: open.reason, holds: open.holds(row, format) }).toEqual({
        reason: open.reason,
        holds: true,
      });
      count(`not handled, ${open.reason}`, false);
      return;
    }
    const sizes = [row.virtual_size_bytes, row.virtual_size_by_spec ?? null];
    const isFormatRight = accepted(row).includes(format);
    const isSizeRight =
      !row.expectations.safe || sizes[0] === null || sizes.includes(virtualSize ?? -1);
    const { strength } = row.expectations;
    count(strength, isFormatRight && isSizeRight && safe === row.expectations.safe);
    expect(accepted(row)).toContain(format);
    if (row.expectations.safe && sizes[0] !== null) expect(sizes).toContain(virtualSize);
    if (strength === 'must') expect(safe).toBe(row.expectations.safe);
  });
});
