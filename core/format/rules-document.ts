import { RULES, type SafetyRule } from './rules.js';

const HEAD = `# Safety rules

Every byte that comes in is inspected as it passes, whatever plugins are listed. An image that breaks
a rule is refused: no external program opens it, and it does not become active. The client is told
the rule, the byte offset of what breaks it, the reason and what to do. What the inspectors look at,
and what they leave to the program that reads the image, is in [formats](formats.md). The rules cover
what is known of attacks on image services: CVE-2015-5163, CVE-2022-47951, CVE-2024-32498 and
CVE-2024-44082.

This page is written by a test from the table of rules in the code;
\`npx vitest run -u core/format/rules-document.test.ts\` writes it anew.

## Relaxing a rule

A rule that does not suit a site is named in the config file, one by one:

\`\`\`yaml
images:
  relaxed_rules: [header-checksum]
\`\`\`

Its findings are then notes: they are still kept with the inspection and shown, and say that the rule
is relaxed, but they refuse nothing. The server warns of each relaxed rule when it starts, and does not
start with a name that is no rule. A relaxed rule holds for images that come in from then on; what was
judged before stays as it was judged.
`;

/** The page of docs/ about the rules, in Markdown. */
export function rulesDocument(): string {
  const rules: readonly SafetyRule[] = RULES;
  return [
    HEAD,
    '## Rules\n',
    '| rule | formats | what is found |',
    '| --- | --- | --- |',
    ...rules.filter(isUnsafe).map(row),
    '\nThese only inform:\n',
    '| note | formats | what is found |',
    '| --- | --- | --- |',
    ...rules.filter((rule) => !isUnsafe(rule)).map(row),
    '',
    ...rules.map(section),
  ].join('\n');
}

function isUnsafe({ severity }: SafetyRule): boolean {
  return severity === 'unsafe';
}

function row({ rule, formats, summary }: SafetyRule): string {
  return `| [\`${rule}\`](#${rule}) | ${named(formats)} | ${summary} |`;
}

function section({ rule, formats, severity, summary, why, hint, relaxed }: SafetyRule): string {
  return [
    `## ${rule}\n`,
    `${summary}.\n`,
    `- severity: \`${severity}\``,
    `- formats: ${named(formats)}`,
    `- why: ${why}.`,
    `- what to do: ${hint}`,
    ...(relaxed === undefined ? [] : [`- relaxed: ${relaxed}.`]),
    '',
  ].join('\n');
}

function named(formats: readonly string[]): string {
  return formats.join(', ').replace('*', 'all');
}
