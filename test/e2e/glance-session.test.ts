import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { assertConforms } from '../support/conformance.js';
import { serveFiles } from '../support/file-server.js';
import { startServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';
import { differences } from '../wire/compare.js';
import { play } from '../wire/play.js';
import type { Exchange } from '../wire/play.js';
import { session } from '../wire/session.js';

const WIRE = path.resolve(import.meta.dirname, '../wire');
const DOCUMENT = path.resolve(import.meta.dirname, '../../docs/compatibility.md');

/** As the recorded Glance was set up: two stores, the methods in this order, headers believed. */
const CONFIG = `
log: { level: warn }
auth: { mode: headers }
server: { cors_origins: ['http://horizon.example'], trusted_proxies: [127.0.0.0/8] }
stores:
  - { id: cheap, driver: filesystem, path: cheap, description: cheap store }
  - { id: fast, driver: filesystem, path: fast, description: fast store, default: true }
imports:
  methods:
    - glance-direct
    - { name: web-download, config: { allow: [127.0.0.0/8] } }
    - copy-image
`;

/** Differences that are meant, each with the section of the document that gives its reason. */
const MEANT = z.array(
  z.strictObject({ reason: z.string(), request: z.string().default(''), differs: z.string() }),
);

it('answers a session of hundreds of requests as the real Glance has', async () => {
  const recorded = JSON.parse(
    await readFile(path.join(WIRE, 'recordings/glance-25.1.json'), 'utf8'),
  ) as readonly Exchange[];
  const meant = MEANT.parse(parse(await readFile(path.join(WIRE, 'differences.yaml'), 'utf8')));
  const ours = await playHere();
  expect(ours.map(({ request }) => request)).toEqual(recorded.map(({ request }) => request));

  const used = new Set<number>();
  const surprises = ours.flatMap((exchange, index) => {
    const theirs = recorded[index];
    if (theirs === undefined) return [];
    return differences(exchange, theirs).flatMap((line) => {
      const rules = meant.flatMap(({ request, differs }, rule) =>
        new RegExp(request).test(exchange.request) && new RegExp(differs).test(line) ? [rule] : [],
      );
      for (const rule of rules) used.add(rule);
      return rules.length > 0 ? [] : [`${exchange.request}\n    ${line}`];
    });
  });
  expect(surprises).toEqual([]);
  expect(meant.filter((_, rule) => !used.has(rule))).toEqual([]);

  // The document's first section is about this session; Tempest has a table of its own.
  const [section = ''] = (await readFile(DOCUMENT, 'utf8')).split('\n## ');
  const headings = [...section.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, name]) => name);
  expect([...new Set(meant.map(({ reason }) => reason))].sort()).toEqual(headings.sort());
});

async function playHere(): Promise<readonly Exchange[]> {
  await using directory = await tempDir();
  const config = path.join(directory.path, 'stowage.yaml');
  await writeFile(config, CONFIG);
  await writeFile(path.join(directory.path, 'disk'), Buffer.alloc(4096, 'x'));
  await using web = await serveFiles(directory.path);
  const server = await startServer({ dataDir: path.join(directory.path, 'data'), config });
  try {
    const known = { source: `${web.url}/disk`, absent: `${web.url}/absent` };
    return await play(server.url, session(), known, assertConforms);
  } finally {
    await server.stop();
  }
}
