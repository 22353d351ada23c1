import path from 'node:path';
import prettier from 'prettier';
import { describe, expect, it } from 'vitest';
import { settingsReference } from './reference.js';

const FILE = path.resolve(import.meta.dirname, '../../docs/config-reference.md');

const HEAD = `# Config reference

Every key of the config file. This page is written by a test from the schema that checks the file;
after a change of the schema \`npx vitest run -u core/config/reference.test.ts\` writes it anew.

A **size** is \`512 MiB\`, \`50 GiB\`, \`1 TB\` or a number of bytes; a **duration** is \`250 ms\`, \`30 s\`,
\`5 min\`, \`2 h\` or \`7 d\`; a **secret** is text, \`{ env: NAME }\` or \`{ file: PATH }\`. \`[]\` stands for each entry of a list. The entries of
\`imports.pipelines[].tasks\` are those of \`imports.pipeline\`, and its \`when\` is theirs.

| key | type | default | meaning |
| --- | --- | --- | --- |
`;

describe('docs/config-reference.md', () => {
  it('says what the schema says', async () => {
    const rows = settingsReference()
      .filter(({ key }) => !/^imports\.pipelines\[\]\.(when|tasks\[\])/.test(key))
      .map(({ key, type, default: value, description }) =>
        [`\`${key}\``, type, value === '' ? '' : `\`${value}\``, description].join(' | '),
      );
    const text = `${HEAD}${rows.map((row) => `| ${row} |`).join('\n')}\n`;
    const options = { ...(await prettier.resolveConfig(FILE)), parser: 'markdown' };
    await expect(await prettier.format(text, options)).toMatchFileSnapshot(FILE);
  });

  it('explains every key', () => {
    expect(settingsReference().filter(({ description }) => description === '')).toEqual([]);
  });
});
