import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RULES } from '../../core/format/rules.js';
import type { ImportDocument } from '../support/api-client.js';
import { corpusManifest, corpusRows } from '../support/corpus.js';
import type { CorpusRow } from '../support/corpus.js';
import { CorpusServer, TARGETS } from '../support/corpus-server.js';
import type { Outcome, Source, Target } from '../support/corpus-server.js';
import { violations } from '../support/invariants.js';
import { assertSameDisk } from '../support/qemu-files.js';
import { tempDir } from '../support/temp-dir.js';

const GIB = 2 ** 30;
const MIB = 2 ** 20;

/** `npm run test:corpus`: every image, and raw disks of many GiB. */
const isWhole = process.env['STOWAGE_CORPUS'] === 'whole';
/** A raw disk is hashed with all its zeros: some seconds for each GiB. */
const LARGEST_RAW = isWhole ? 16 * GIB : GIB;

/** Milliseconds for one image and target, on a machine that has other work too. */
const TIMEOUT = isWhole ? 20 * 60_000 : 5 * 60_000;

/** What a refusal may be that no rule of the inspector names: decompress, convert, introspect. */
const REFUSALS: readonly string[] = [
  ...['CONTAINER_DAMAGED', 'UNPACKED_TOO_LARGE', 'TOO_MANY_LAYERS'],
  ...['IMAGE_DAMAGED', 'NESTED_FORMAT', 'FORMAT_MISMATCH'],
];

const rows = corpusRows();
const safe = rows.filter(({ expectations }) => expectations.safe);
const unsafe = rows.filter(({ expectations }) => !expectations.safe);
const isMust = ({ expectations }: CorpusRow): boolean => expectations.strength === 'must';

/** One image of each kind, the smallest; every container, of which each is another thing. */
const representative = new Map(
  safe
    .filter((row) => row.raw_sha256 != null || row.format === 'ova')
    .toSorted((a, b) => (b.virtual_size_bytes ?? 0) - (a.virtual_size_bytes ?? 0))
    .map((row) => [kindOf(row), row]),
);

/** What is converted to everything in the gate; the converter's own tests have every pair. */
const TO_ALL: ReadonlySet<string> = new Set(['raw', 'qcow2 v3']);

const cells = (isWhole ? safe : [...representative.values()]).flatMap((row) =>
  (isWhole || TO_ALL.has(kindOf(row)) ? TARGETS : (['raw'] as const)).map(
    (target) => [row.path, target, row] as const,
  ),
);
/** What bombs unpack to keeps the machine busy for minutes. */
const mustRefuse = unsafe.filter(isMust);
const mayRefuse = unsafe.filter(
  (row) => !isMust(row) && (isWhole || !row.expectations.codes.includes('bomb')),
);
const ruleNames: readonly string[] = RULES.map(({ rule }) => rule);

function isPacked({ compressed_container: container, format }: CorpusRow): boolean {
  return container != null || format === 'ova';
}

/** Images of one kind take the same way through the pipeline. */
function kindOf({ format, subformat, compressed_container: container, path: file }: CorpusRow) {
  if (format === 'ova') return file;
  if (container != null) return `${container} of ${format}`;
  return ['raw', 'iso'].includes(format) ? format : `${format} ${subformat ?? ''}`;
}

if (rows.length === 0) {
  console.warn(
    `The image corpus is not sent: there is no "${corpusManifest}". Set STOWAGE_TEST_IMAGES to its folder`,
  );
}

describe.skipIf(rows.length > 0)('image corpus', () => {
  it.runIf(process.env['CI'] === 'true')('is present in CI', () => {
    expect.fail(`There is no "${corpusManifest}"`);
  });
});

describe.skipIf(rows.length === 0)('image corpus', () => {
  const figures = new Map<string, number>();
  const sent = new Set<string>();
  const count = (row: CorpusRow, what: string): void => {
    sent.add(row.path);
    figures.set(what, (figures.get(what) ?? 0) + 1);
  };
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let rig: CorpusServer;

  beforeAll(async () => {
    dir = await tempDir();
    rig = await CorpusServer.start(dir.path);
  });

  afterAll(async () => {
    await rig.server.kill();
    await dir[Symbol.asyncDispose]();
    for (const [what, n] of [...figures].toSorted()) console.log(`${n} × ${what}`);
    console.log(`${sent.size} of ${rows.length} images sent`);
  });

  describe.concurrent('safe images', { timeout: TIMEOUT }, () => {
    it.each(cells)('%s to %s', async (_, target, row) => {
      if (target === 'raw' && (row.virtual_size_bytes ?? 0) > LARGEST_RAW) {
        count(row, `to raw: not tried, more than ${LARGEST_RAW / GIB} GiB take too long to hash`);
        return;
      }
      const source = await rig.source(row);
      const outcome = await rig.import(source, target);
      const { image, run } = outcome;
      if (!isMust(row) && image.status !== 'active') {
        expectRefused(outcome);
        count(row, `to ${target}: refused by policy, ${codeOf(outcome)}`);
        return;
      }
      expect(outcome.refusal).toBeUndefined();
      expect(run?.failure).toBeNull();
      expect(image.status).toBe('active');
      const stored = await rig.storedFile(image.id);
      const skipped = skipReason(run);
      expectUnpacked(row, source, image);
      if (skipped === undefined) expectConverted(row, source, target, image);
      else expectAsItWas(row, source, target, image);
      const format = image.disk_format ?? '';
      if (!isPacked(row)) await assertSameDisk([source.file, source.diskFormat], [stored, format]);
      if (row.raw_sha256 != null) {
        const length = row.virtual_size_bytes ?? 0;
        expect(await rig.guestSha256(stored, format, length, image.id)).toBe(row.raw_sha256);
      }
      // The invariants at the end read every byte that is still there.
      if ((image.size ?? 0) > GIB) await rig.client.call('DELETE', `/v2/images/${image.id}`);
      count(row, `to ${target}: ${skipped ?? 'converted'}`);
    });
  });

  describe.concurrent('unsafe images', { timeout: TIMEOUT }, () => {
    it.each(mustRefuse.map((row) => [row.path, row] as const))('%s is refused', async (_, row) => {
      const outcome = await rig.import(await rig.source(row), 'raw');
      expectRefused(outcome);
      count(row, `unsafe: refused, ${codeOf(outcome)}`);
    });

    it.each(mayRefuse.map((row) => [row.path, row] as const))(
      '%s comes to an end',
      async (_, row) => {
        const target = (row.virtual_size_bytes ?? 0) > GIB ? 'qcow2' : 'raw';
        const outcome = await rig.import(await rig.source(row), target);
        const { image, run } = outcome;
        expect(run?.failure?.class).not.toBe('bug');
        expect(['active', 'queued', 'uploading']).toContain(image.status);
        expect(run?.failure?.message ?? '').not.toContain(rig.dataDir);
        const { strength } = row.expectations;
        count(row, `unsafe, ${strength}: ${codeOf(outcome)}`);
        if (image.status === 'uploading') await rig.client.call('DELETE', `/v2/images/${image.id}`);
        if ((image.size ?? 0) > GIB) await rig.client.call('DELETE', `/v2/images/${image.id}`);
      },
    );
  });

  it('leaves nothing behind', async () => {
    await rig.client.quiet();
    if (isWhole) expect(sent.size).toBe(rows.length);
    expect(await rig.server.stop()).toBe(0);
    expect(rig.server.output()).not.toContain('"level":"error"');
    for (const folder of ['data', 'work']) {
      expect(await readdir(path.join(rig.dataDir, 'staging', folder))).toEqual([]);
    }
    expect(await violations(rig.dataDir)).toEqual([]);
  });
});

function codeOf({ refusal, run }: Outcome): string {
  const rule = refusal?.rules[0] ?? ruleOf(run);
  const code = refusal?.code ?? run?.failure?.code ?? 'imported';
  return rule === undefined ? code : `${code} by "${rule}"`;
}

function ruleOf(run: ImportDocument | undefined): string | undefined {
  const rule = run?.failure?.details?.['rule'];
  return typeof rule === 'string' ? rule : undefined;
}

/** At once by a rule with 415, or by an import that names what it was; the bytes are dropped. */
function expectRefused({ image, refusal, run }: Outcome): void {
  expect(image.status).toBe('queued');
  if (refusal !== undefined) {
    expect(refusal).toMatchObject({ status: 415, code: 'UNSAFE_IMAGE' });
    expect(refusal.rules).not.toEqual([]);
    expect(ruleNames).toEqual(expect.arrayContaining([...refusal.rules]));
    return;
  }
  expect(run).toMatchObject({ state: 'failed', failure: { class: 'rejected' } });
  if (run?.failure?.code === 'UNSAFE_IMAGE') {
    expect(ruleNames).toContain(ruleOf(run));
    expect(run.failure.message).toContain(`"${ruleOf(run)}"`);
  } else expect(REFUSALS).toContain(run?.failure?.code);
}

function skipReason(run: ImportDocument | undefined): string | undefined {
  const convert = run?.tasks.find(({ name }) => name === 'convert');
  if (convert?.state === 'skipped') return convert.reason ?? '';
  expect(convert?.state).toBe('succeeded');
  return undefined;
}

type Shown = Readonly<Record<string, unknown>>;

/** What was sent can still be told, and the image is what was in it. */
function expectUnpacked(row: CorpusRow, { sha512 }: Source, image: Shown): void {
  const { compressed_container: container } = row;
  if (!isPacked(row) || image['container_format'] === 'ova') {
    expect(image).not.toHaveProperty('stowage_packed_format');
    return;
  }
  expect(image).toMatchObject({ container_format: 'bare', stowage_packed_sha512: sha512 });
  if (container != null) expect(image).toMatchObject({ stowage_packed_format: container });
}

function expectAsItWas(row: CorpusRow, source: Source, target: Target, image: Shown): void {
  expect(image).toMatchObject({ disk_format: source.diskFormat });
  expect(image).not.toHaveProperty('stowage_source_disk_format');
  if (image['container_format'] === 'ova') {
    expect(image).toMatchObject({ os_hash_value: source.sha512, virtual_size: null });
    return;
  }
  const formats = [row.format, ...(row.accept_formats ?? [])];
  const isConvertible = !formats.some((format) => ['iso', 'luks1', 'luks2'].includes(format));
  if (isConvertible && row.virtual_size_bytes !== 0) expect(source.diskFormat).toBe(target);
  if (!isPacked(row)) expect(image).toMatchObject({ os_hash_value: source.sha512 });
  if (isMust(row)) expect(sizes(row)).toContain(image['virtual_size']);
}

function expectConverted(row: CorpusRow, source: Source, target: Target, image: Shown): void {
  expect(image).toMatchObject({
    disk_format: target,
    stowage_source_disk_format: source.diskFormat,
    ...(isPacked(row) ? {} : { stowage_source_sha512: source.sha512 }),
  });
  // What a raw disk holds may look like the optical disk or the encrypted volume that it is.
  const formats = target === 'raw' ? ['raw', 'iso', 'luks'] : [target];
  expect(formats).toContain(image['stowage_disk_format']);
  const expected = sizes(row).map((size) =>
    target === 'vhd' && size !== null ? Math.ceil(size / MIB) * MIB : size,
  );
  expect(expected).toContain(image['virtual_size']);
  const vmware = { vmware_disktype: 'streamOptimized', vmware_adaptertype: 'lsiLogic' };
  if (target === 'vmdk') expect(image).toMatchObject(vmware);
  else for (const name of Object.keys(vmware)) expect(image).not.toHaveProperty(name);
}

function sizes(row: CorpusRow): readonly (number | null)[] {
  return [row.virtual_size_bytes, row.virtual_size_by_spec ?? row.virtual_size_bytes];
}
