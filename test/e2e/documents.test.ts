import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROOT, start, stowage } from '../support/command.js';
import type { Running } from '../support/command.js';
import { tempDir } from '../support/temp-dir.js';

/**
 * Runs the commands that the documents give. A fenced `sh` block says how it is meant:
 * `run` ends with 0, `run=N` with N, `serve` starts a server that stays for the rest of the document,
 * `npm` names scripts of package.json, `skip` needs what no test has.
 */
const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/deployer-guide.md',
  'docs/operations.md',
  'docs/sizing.md',
  'docs/architecture.md',
];

const DEFAULT_URL = 'http://127.0.0.1:9292';

interface Block {
  readonly kind: string;
  readonly text: string;
}

function blocksOf(document: string): readonly Block[] {
  const text = readFileSync(path.join(ROOT, document), 'utf8');
  return [...text.matchAll(/^```sh *(\S*)\n(.*?)^```$/gms)].map(([, kind = '', body = '']) => ({
    kind,
    text: body,
  }));
}

let dir: Awaited<ReturnType<typeof tempDir>>;
let server: Running | undefined;

beforeEach(async () => {
  dir = await tempDir();
  for (const folder of ['bin', 'config']) {
    symlinkSync(path.join(ROOT, folder), path.join(dir.path, folder));
  }
  mkdirSync(path.join(dir.path, 'data'));
  execFileSync('qemu-img', [
    'create',
    '-q',
    '-f',
    'qcow2',
    path.join(dir.path, 'disk.qcow2'),
    '16M',
  ]);
});

afterEach(async () => {
  server?.process.kill('SIGTERM');
  await server?.finished;
  server = undefined;
  await dir[Symbol.asyncDispose]();
});

/** Starts the server that a block shows, on a port of its own. */
async function serve({ text }: Block): Promise<string> {
  server = start('bash', ['-c', `exec ${text.trim()} --port 0`], { cwd: dir.path });
  return server.said(/http:\/\/127\.0\.0\.1:\d+/);
}

/** The ids that documents speak of as variables: of the newest import. */
async function ids(): Promise<Record<string, string>> {
  if (server === undefined) return {};
  const { out } = await stowage(['imports', 'list', '--limit', '1', '--json'], { cwd: dir.path });
  if (out === '') return {};
  const { id, image_id } = JSON.parse(out) as { id: string; image_id: string };
  return { IMPORT_ID: id, IMAGE_ID: image_id };
}

describe.each(DOCUMENTS)('%s', (document) => {
  const blocks = blocksOf(document);

  it('says of each block of commands how it is meant', () => {
    const kinds = blocks.map(({ kind }) => kind);
    expect(kinds.filter((kind) => !/^(run(=\d+)?|serve|npm|skip)$/.test(kind))).toEqual([]);
  });

  it('names only scripts that there are', () => {
    const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const text = readFileSync(path.join(ROOT, document), 'utf8');
    const named = [...text.matchAll(/\bnpm (?:run )?([a-z][a-z:]*)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('links only to files that there are', () => {
    const text = readFileSync(path.join(ROOT, document), 'utf8');
    const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link);
    for (const link of links) {
      execFileSync('test', ['-e', path.resolve(ROOT, path.dirname(document), link)]);
    }
  });

  it.runIf(blocks.some(({ kind }) => /^(run|serve)/.test(kind)))(
    'gives commands that work',
    async () => {
      let url = DEFAULT_URL;
      for (const block of blocks) {
        if (block.kind === 'serve') url = await serve(block);
        if (!block.kind.startsWith('run')) continue;
        const script = block.text.replaceAll(DEFAULT_URL, url);
        const end = await start('bash', ['-euo', 'pipefail', '-c', script], {
          cwd: dir.path,
          env: await ids(),
        }).finished;
        const wanted = Number(block.kind.split('=')[1] ?? 0);
        expect(end.code, `${script}\n${end.out}\n${end.err}`).toBe(wanted);
      }
    },
  );
});
