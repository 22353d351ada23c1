import path from 'node:path';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { statesDocument } from '../../core/engine/states-document.js';

const FILE = path.resolve(import.meta.dirname, '../../docs/states.md');

describe('docs/states.md', () => {
  it('is made from the transition tables (vitest -u writes it anew)', async () => {
    const made = await format(statesDocument(), { parser: 'markdown', printWidth: 100 });
    await expect(made).toMatchFileSnapshot(FILE);
  });
});
