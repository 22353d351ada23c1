import path from 'node:path';
import prettier from 'prettier';
import { describe, expect, it } from 'vitest';
import { rulesDocument } from './rules-document.js';

const FILE = path.resolve(import.meta.dirname, '../../docs/safety-rules.md');

describe('docs/safety-rules.md', () => {
  it('is made from the table of rules (vitest -u writes it anew)', async () => {
    const options = { ...(await prettier.resolveConfig(FILE)), parser: 'markdown' };
    const made = await prettier.format(rulesDocument(), options);
    await expect(made).toMatchFileSnapshot(FILE);
  });
});
