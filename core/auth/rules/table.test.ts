import path from 'node:path';
import prettier from 'prettier';
import { describe, expect, it } from 'vitest';
import { SUBJECT_ATTRIBUTES, TARGET_ATTRIBUTES } from './check.js';
import { readRules } from './read-rules.js';
import { RULES } from './table.js';

const FILE = path.resolve(import.meta.dirname, '../../../docs/policy.md');

const code = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ');

const HEAD = `# Policy

Who may do what is decided by the rules of one table. They have the names, the defaults and the language
of Glance's policy files. This page is written by a test from the table;
\`npx vitest run -u core/auth/rules/table.test.ts\` writes it anew.

Config replaces rules by name, and may have names of its own for parts of them:

\`\`\`yaml
policy:
  image_keepers: role:image_keeper and project_domain_id:default
  copy_image: rule:context_is_admin or rule:image_keepers
  download_image: '!'
\`\`\`

A rule that cannot be read, guards nothing or comes back to itself stops the start, with its place in the file.

## The language

| check | holds for |
| --- | --- |
| \`role:NAME\` | callers with the role; \`admin\` brings \`manager\`, that \`member\`, that \`reader\` |
| \`rule:NAME\` | whom the other rule allows |
| \`ATTRIBUTE:%(ATTRIBUTE)s\` | an attribute of the caller that is the same as one of the target |
| \`ATTRIBUTE:VALUE\`, \`'VALUE':%(ATTRIBUTE)s\` | an attribute of the caller, or of the target, with this value |
| \`@\` or nothing, \`!\` | everybody, nobody |

\`and\` binds closer than \`or\`, \`not\` closer than both; parentheses group. What is absent is equal to nothing.
Of the caller: ${code(SUBJECT_ATTRIBUTES)}. Of the target: ${code(TARGET_ATTRIBUTES)}; \`member_id\` is the
caller's project where the image is shared with it, or the member that a request is about.

## What holds whatever the rules say

- What a caller may not see does not exist for them: 404, in the words for an image that there is not.
- Rules take away, they do not uncover: an image that is neither the caller's, public, community nor shared with their
  project is seen by administrators (\`context_is_admin\`) alone. Imports are seen by the image's project and by administrators.
- Images are projects': a token for a domain or for the whole system is refused, whatever its roles. An administrator of any project is one
  for all of them.

## Properties

\`images.property_protections\` says who may do what with the extra properties of images, beside what the
rules below let them do with the image:

\`\`\`yaml
policy:
  billing: role:billing
images:
  property_protections:
    - { match: '^x_billing_', create: 'rule:billing', read: 'rule:billing', update: 'rule:billing' }
    - { match: '.', create: '@', read: '@', update: '@', delete: '@' }
\`\`\`

The first entry whose regular expression is found in the name decides. An act that it does not name is
nobody's, and where there are entries, so is a property that none matches: an administrator has no more
rights than the entries give. Who may not read a property does not see it, finds no image by it, and is told
409 where it would be changed. Plugins write what they claim whatever stands here.

## The rules

| rule | default | guards |
| --- | --- | --- |
`;

describe('the table of rules', () => {
  it('can be read', () => {
    const defaults = Object.entries(RULES).map(([name, { rule }]) => [name, rule]);
    expect(readRules(Object.fromEntries(defaults) as Record<string, string>).problems).toEqual([]);
  });

  it('is the one in docs/policy.md', async () => {
    const rows = Object.entries(RULES).map(
      ([name, { rule, guards }]) => `| \`${name}\` | \`${rule}\` | ${guards} |`,
    );
    const options = { ...(await prettier.resolveConfig(FILE)), parser: 'markdown' };
    const text = await prettier.format(`${HEAD}${rows.join('\n')}\n`, options);
    await expect(text).toMatchFileSnapshot(FILE);
  });
});
