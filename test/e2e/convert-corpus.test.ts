import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RULES } from '../../core/format/rules.js';
import type { ImportDocument } from '../support/api-client.js';
import { canUnpack, corpusManifest, corpusRows } from '../support/corpus.js';
import type { CorpusRow } from '../support/corpus.js';
import { CorpusServer, TARGETS } from '../support/corpus-server.js';
import type { Source, Target } from '../support/corpus-server.js';
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

const FORMATS: ReadonlySet<string> = new Set([
  ...['raw', 'qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi', 'iso', 'gpt', 'mbr'],
]);
const rows = corpusRows().filter(({ format }) => FORMATS.has(format));
const safe = rows.filter(({ expectations }) => expectations.safe);
const representative = new Map(
  safe
    .filter((row) => canUnpack(row) && row.raw_sha256 != null)
    .toSorted((a, b) => (b.virtual_size_bytes ?? 0) - (a.virtual_size_bytes ?? 0))
    .map((row) => [kindOf(row), row]),
);
const unsafe = rows.filter(({ expectations }) => !expectations.safe);
const mustRefuse = unsafe.filter(({ expectations }) => expectations.strength === 'must');
/** What bombs unpack to keeps the machine busy for minutes. */
const mayRefuse = unsafe.filter(
  ({ expectations: { strength, codes } }) =>
    strength !== 'must' && (isWhole || !codes.includes('bomb')),
);

const cells = (isWhole ? safe : [...representative.values()]).flatMap((row) =>
  TARGETS.map((target) => [row.path, target, row] as const),
);
const ruleNames: readonly string[] = RULES.map(({ rule }) => rule);

/** Images of one kind take the same way through inspector and converter. */
function kindOf({ format, subformat }: CorpusRow): string {
  return ['raw', 'iso'].includes(format) ? format : `${format} ${subformat ?? ''}`;
}

/** Why a test cannot be made of a row. */
function gap(row: CorpusRow, target: Target): string | undefined {
  if (!canUnpack(row)) return `packed as ${row.compressed_container}, which no test opens`;
  return target === 'raw' && (row.virtual_size_bytes ?? 0) > LARGEST_RAW
    ? `a raw disk of more than ${LARGEST_RAW / GIB} GiB takes too long to hash`
    : undefined;
}

if (rows.length === 0) {
  console.warn(
    `No conversions of the image corpus: there is no "${corpusManifest}". Set STOWAGE_TEST_IMAGES to its folder`,
  );
}

describe.skipIf(rows.length === 0)('image corpus', () => {
  const figures = new Map<string, number>();
  const count = (what: string): void => {
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
  });

  describe.concurrent('safe images', { timeout: TIMEOUT }, () => {
    it.each(cells)('%s to %s', async (_, target, row) => {
      const reason = gap(row, target);
      if (reason !== undefined) {
        count(`to ${target}: not tried, ${reason}`);
        return;
      }
      const source = await rig.source(row);
      const { image, refusal, run } = await rig.import(source, target);
      if (row.expectations.strength === 'policy' && image.status !== 'active') {
        const code = refusal?.code ?? run?.failure?.code;
        expect(['UNSAFE_IMAGE', 'FORMAT_MISMATCH']).toContain(code);
        count(`to ${target}: refused by policy, ${code}`);
        return;
      }
      expect(refusal).toBeUndefined();
      expect(run?.failure).toBeNull();
      expect(image.status).toBe('active');
      const stored = await rig.storedFile(image.id);
      const skipped = skipReason(run);
      if (skipped === undefined) expectConverted(row, source, target, image);
      else expectAsItWas(row, source, target, image);
      const format = image.disk_format ?? '';
      await assertSameDisk([source.file, source.diskFormat], [stored, format]);
      if (row.raw_sha256 != null) {
        const length = row.virtual_size_bytes ?? 0;
        expect(await rig.guestSha256(stored, format, length, image.id)).toBe(row.raw_sha256);
      }
      // The invariants at the end read every byte that is still there.
      if ((image.size ?? 0) > GIB) await rig.client.call('DELETE', `/v2/images/${image.id}`);
      count(`to ${target}: ${skipped ?? 'converted'}`);
    });
  });

  describe.concurrent('unsafe images', { timeout: TIMEOUT }, () => {
    it.each(mustRefuse.map((row) => [row.path, row] as const))('%s is refused', async (_, row) => {
      const { image, refusal, run } = await rig.import(await rig.source(row, true), 'raw');
      expect(image.status).toBe('queued');
      if (refusal === undefined) {
        expect(row.compressed_container).toBeTypeOf('string');
        expect(run).toMatchObject({ state: 'failed', failure: { code: 'FORMAT_MISMATCH' } });
      } else {
        expect(refusal).toMatchObject({ status: 415, code: 'UNSAFE_IMAGE' });
        expect(refusal.rules).not.toEqual([]);
        expect(ruleNames).toEqual(expect.arrayContaining([...refusal.rules]));
      }
      count(`unsafe: refused, ${refusal === undefined ? 'FORMAT_MISMATCH' : 'by a rule'}`);
    });

    it.each(mayRefuse.map((row) => [row.path, row] as const))(
      '%s comes to an end',
      async (_, row) => {
        const target = (row.virtual_size_bytes ?? 0) > GIB ? 'qcow2' : 'raw';
        const { image, refusal, run } = await rig.import(await rig.source(row, true), target);
        expect(run?.failure?.class).not.toBe('bug');
        expect(['active', 'queued', 'uploading']).toContain(image.status);
        const end = refusal?.code ?? run?.failure?.code ?? 'imported';
        expect(run?.failure?.message ?? '').not.toContain(rig.dataDir);
        count(`unsafe beyond what headers show: ${end}`);
        if (image.status === 'uploading') await rig.client.call('DELETE', `/v2/images/${image.id}`);
        if ((image.size ?? 0) > GIB) await rig.client.call('DELETE', `/v2/images/${image.id}`);
      },
    );
  });

  it('leaves nothing behind', async () => {
    await rig.client.quiet();
    expect(await rig.server.stop()).toBe(0);
    expect(rig.server.output()).not.toMatch(/"level":"error"|\bERROR\b/);
    expect(await violations(rig.dataDir)).toEqual([]);
  });
});

function skipReason(run: ImportDocument | undefined): string | undefined {
  const convert = run?.tasks.find(({ name }) => name === 'convert');
  if (convert?.state === 'skipped') return convert.reason ?? '';
  expect(convert?.state).toBe('succeeded');
  return undefined;
}

type Shown = Readonly<Record<string, unknown>>;

function expectAsItWas(row: CorpusRow, source: Source, target: Target, image: Shown): void {
  if (row.format !== 'iso' && row.virtual_size_bytes !== 0) expect(source.diskFormat).toBe(target);
  expect(image).toMatchObject({ disk_format: source.diskFormat, os_hash_value: source.sha512 });
  expect(image).not.toHaveProperty('stowage_source_disk_format');
  expect(sizes(row)).toContain(image['virtual_size']);
}

function expectConverted(row: CorpusRow, source: Source, target: Target, image: Shown): void {
  expect(image).toMatchObject({
    disk_format: target,
    stowage_source_disk_format: source.diskFormat,
    stowage_source_sha512: source.sha512,
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
