import { describe, expect, it } from 'vitest';
import { orderProblems } from './order.js';
import type { OrderedEntry } from './order.js';

type Places = Omit<OrderedEntry['manifest'], 'name'>;

const PLACES: Readonly<Record<string, Places>> = {
  stage: { position: 'first' },
  other: { position: 'first' },
  store: { position: 'last' },
  archive: { position: 'last' },
  unpack: {},
  convert: { after: ['unpack'] },
  scan: { before: ['convert'] },
};

/** Entries by plugin name, or `id=plugin`. */
function problems(...entries: readonly string[]): readonly string[] {
  return orderProblems(
    entries.map((text, index) => {
      const [id = '', name = id] = text.split('=');
      return { id, index, manifest: { name, ...PLACES[name] } };
    }),
  ).map(({ entry, problem }) => `${entry?.id ?? '-'}: ${problem}`);
}

describe('orderProblems', () => {
  it.each([
    [['stage', 'store']],
    [['stage', 'unpack', 'convert', 'store', 'archive']],
    [['stage', 'unpack', 'convert', 'again=convert', 'store']],
    [['stage', 'scan', 'convert', 'store']],
    [['stage', 'plain', 'store']],
  ])('has nothing against %j', (entries) => {
    expect(problems(...entries)).toEqual([]);
  });

  it.each([
    [[], ['-: no task brings the bytes into staging', '-: no task puts the bytes into a store']],
    [['stage'], ['-: no task puts the bytes into a store']],
    [['store'], ['-: no task brings the bytes into staging']],
    [['stage', 'other', 'store'], ['other: it must be the first task, and so must "stage"']],
    [
      ['plain', 'stage', 'store'],
      ['stage: it must be the first task, and "plain" stands ahead of it'],
    ],
    [
      ['stage', 'store', 'plain'],
      ['store: it must be the last task, and "plain" stands behind it'],
    ],
    [['stage', 'convert', 'unpack', 'store'], ['convert: it must stand behind "unpack"']],
    [
      ['stage', 'unpack', 'convert', 'late=unpack', 'store'],
      ['convert: it must stand behind "late"'],
    ],
    [['stage', 'convert', 'scan', 'store'], ['scan: it must stand ahead of "convert"']],
  ])('says what is wrong with %j', (entries, expected) => {
    expect(problems(...entries)).toEqual(expected);
  });
});
