import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { progressView } from './progress-view.js';
import { drawRows } from './task-lines.js';
import type { Row } from './task-lines.js';
import { LiveLines } from './terminal.js';

const MIB = 2 ** 20;

function plain(rows: readonly Row[]): readonly string[] {
  return drawRows(rows, 0).map(stripVTControlCharacters);
}

describe('drawRows', () => {
  it('shows each state in its own way', () => {
    const progress = { done: 25 * MIB, total: 100 * MIB, rate: 10 * MIB, eta_seconds: 7.2 };
    const failure = { class: 'permanent' as const, code: 'X', message: 'It broke' };
    expect(
      plain([
        { name: 'stage', state: 'succeeded', tookMs: 1200, progress },
        { name: 'scan', state: 'skipped', reason: 'disk_format is "iso"' },
        { name: 'convert', state: 'running', attempt: 2, progress },
        { name: 'wait', state: 'waiting', reason: 'staging is full' },
        { name: 'store', store: 'fast', state: 'pending' },
        { name: 'bad', state: 'failed', failure },
      ]),
    ).toEqual([
      '  ✔ stage         100 MiB  1.2 s',
      '  − scan          skipped: disk_format is "iso"',
      '  ⠋ convert       attempt 2  ██████░░░░░░░░░░░░░░░░░░  25 %  25 MiB of 100 MiB  10 MiB/s  8 s left',
      '  ⧗ wait          staging is full',
      '  · store → fast',
      '  ✖ bad           It broke',
    ]);
  });
});

describe('progressView where nobody watches', () => {
  it('writes a line for each change and each quarter', () => {
    const lines: string[] = [];
    const view = progressView({
      out: (line) => lines.push(line),
      err: () => undefined,
      screen: undefined,
    });
    view.update([{ name: 'a', state: 'pending' }]);
    view.update([{ name: 'a', state: 'running' }]);
    for (let done = 0; done <= 100; done += 1) {
      view.update([
        { name: 'a', state: 'running', progress: { done: done * MIB, total: 100 * MIB } },
      ]);
    }
    view.update([{ name: 'a', state: 'succeeded' }]);
    view.update([{ name: 'a', state: 'succeeded' }]);
    view.end();
    expect(lines.map((line) => line.replace(/[█░]+/, '|'))).toEqual([
      '  ▸ a  running',
      '  ▸ a  |  25 %  25 MiB of 100 MiB',
      '  ▸ a  |  50 %  50 MiB of 100 MiB',
      '  ▸ a  |  75 %  75 MiB of 100 MiB',
      '  ✔ a',
    ]);
  });
});

describe('LiveLines', () => {
  it('replaces its lines and cuts them to the screen', () => {
    const written: string[] = [];
    const lines = new LiveLines({ columns: 10, write: (text) => written.push(text) });
    lines.draw(['a', '\u001b[32m1234567890123\u001b[39m']);
    lines.draw(['b']);
    lines.end();
    lines.draw(['c']);
    expect(written).toEqual([
      'a\u001b[K\n\u001b[32m123456789\u001b[0m\u001b[K\n\u001b[J',
      '\u001b[2Fb\u001b[K\n\u001b[J',
      'c\u001b[K\n\u001b[J',
    ]);
  });
});
