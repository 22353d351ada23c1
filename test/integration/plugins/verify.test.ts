import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Clock, Image, TaskResult } from '../../../core/api.js';
import { systemClock } from '../../../core/base/clock.js';
import { taskContext } from '../../../core/plugin/testing/index.js';
import type { TaskContextOptions } from '../../../core/plugin/testing/index.js';
import { ConvertConfig } from '../../../plugins/convert/convert-config.js';
import { ConvertTask } from '../../../plugins/convert/convert-task.js';
import { VerifyConfig } from '../../../plugins/verify/verify-config.js';
import { VerifyTask } from '../../../plugins/verify/verify-task.js';
import { TestEngine, bytesSource, stageTask } from '../../support/engine.js';
import { MemoryStore } from '../../support/memory-store.js';
import { diskFile } from '../../support/qemu-files.js';
import { realQemuImg } from '../../support/real-qemu-img.js';
import { SigningDesk } from '../../support/signing.js';
import type { Authority } from '../../support/signing.js';
import { tempDir } from '../../support/temp-dir.js';

const HASHES = ['SHA-224', 'SHA-256', 'SHA-384', 'SHA-512'];
const KEYS: readonly (readonly [type: string, kind: string])[] = [
  ['RSA-PSS', 'RSA:2048'],
  ['RSA-PSS', 'RSA:3072'],
  ['DSA', 'DSA'],
  ['ECC_SECP384R1', 'secp384r1'],
  ['ECC_SECP521R1', 'secp521r1'],
  ['ECC_SECT409K1', 'sect409k1'],
  ['ECC_SECT409R1', 'sect409r1'],
  ['ECC_SECT571K1', 'sect571k1'],
  ['ECC_SECT571R1', 'sect571r1'],
];

const bytes = randomBytes(3 * 2 ** 20 + 5);
let dir: Awaited<ReturnType<typeof tempDir>>;
let file: string;
let desk: SigningDesk;
let authority: Authority;
let rsaKey: string;
let rsaCertificate: string;

beforeAll(async () => {
  dir = await tempDir();
  mkdirSync(path.join(dir.path, 'certificates'));
  file = path.join(dir.path, 'image');
  await writeFile(file, bytes);
  desk = new SigningDesk(dir.path, path.join(dir.path, 'certificates'));
  authority = desk.authority();
  rsaKey = desk.key('RSA:2048');
  rsaCertificate = desk.certificate(rsaKey, authority);
});

afterAll(async () => {
  await dir[Symbol.asyncDispose]();
});

function properties(
  type: string,
  hash: string,
  signature: string,
  certificate: string,
): Record<string, string> {
  return {
    img_signature: signature,
    img_signature_hash_method: hash,
    img_signature_key_type: type,
    img_signature_certificate_uuid: certificate,
  };
}

/** What a rightly signed image has, with an RSA key. */
function signed(overrides: Readonly<Record<string, string>> = {}): Record<string, string> {
  const signature = desk.sign(rsaKey, 'SHA-256', file, 'max');
  const id = desk.publish(rsaCertificate);
  return { ...properties('RSA-PSS', 'SHA-256', signature, id), ...overrides };
}

interface Setting {
  readonly trusted?: readonly string[];
  readonly required?: unknown;
  readonly digests?: Readonly<Record<string, string>>;
  readonly now?: string;
}

function verifyTask({ trusted, required, digests, now }: Setting = {}): VerifyTask {
  const clock: Clock =
    now === undefined ? systemClock : { ...systemClock, now: () => new Date(now) };
  const signatures = {
    certificates: 'certificates',
    trusted: trusted ?? [authority.certificate],
    required,
  };
  const config = VerifyConfig.parse({ signatures, digests });
  return new VerifyTask(config, { dataDir: dir.path }, clock);
}

async function verify(
  image: Partial<Image>,
  setting: Setting = {},
  more: Partial<TaskContextOptions> = {},
): Promise<TaskResult | string> {
  await using context = await taskContext({ data: file, image, ...more });
  const task = verifyTask(setting);
  return task.skipReason(context) ?? (await task.execute(context));
}

const codeOf = (result: Promise<unknown>): Promise<string> =>
  result.then(
    (value) => JSON.stringify(value),
    (error: unknown) => {
      const { class: kind, code } = error as { readonly class: string; readonly code: string };
      return `${kind} ${code}`;
    },
  );

describe('a signature by', () => {
  describe.each(KEYS)('%s with a key of %s', (type, kind) => {
    let key: string;
    let certificate: string;

    beforeAll(() => {
      key = desk.key(kind);
      certificate = desk.publish(desk.certificate(key, authority));
    });

    it.each(HASHES)('over %s holds for its bytes alone', async (hash) => {
      const signature = desk.sign(key, hash, file, type === 'RSA-PSS' ? 'max' : undefined);
      const image = { properties: properties(type, hash, signature, certificate) };
      expect(await verify(image)).toMatchObject({ output: { certificate, key_type: type } });

      const changed = Buffer.from(bytes);
      changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
      expect(await codeOf(verify(image, {}, { data: changed }))).toBe('rejected SIGNATURE_INVALID');
    });

    it('does not hold for another key', async () => {
      const signature = desk.sign(key, 'SHA-256', file, type === 'RSA-PSS' ? 'max' : undefined);
      const stranger = desk.publish(desk.certificate(desk.key(kind), authority));
      const image = { properties: properties(type, 'SHA-256', signature, stranger) };
      expect(await codeOf(verify(image))).toBe('rejected SIGNATURE_INVALID');
    });
  });
});

describe('an image is refused', () => {
  it.each([
    ['base64 that is mangled', { img_signature: 'abc*def=' }, 'SIGNATURE_MALFORMED'],
    ['base64 that is cut', { img_signature: 'abcde' }, 'SIGNATURE_MALFORMED'],
    ['a value that is no signature', { img_signature: 'AAAA' }, 'SIGNATURE_INVALID'],
    ['an unknown hash', { img_signature_hash_method: 'MD5' }, 'SIGNATURE_MALFORMED'],
    ['another hash', { img_signature_hash_method: 'SHA-512' }, 'SIGNATURE_INVALID'],
    ['an unknown key type', { img_signature_key_type: 'RSA' }, 'SIGNATURE_MALFORMED'],
    ['another key type', { img_signature_key_type: 'DSA' }, 'CERTIFICATE_KEY_MISMATCH'],
    [
      'a path for a certificate',
      { img_signature_certificate_uuid: '../certificates/x' },
      'SIGNATURE_MALFORMED',
    ],
    [
      'a certificate that is not there',
      { img_signature_certificate_uuid: '00000000-0000-0000-0000-000000000000' },
      'CERTIFICATE_NOT_FOUND',
    ],
  ])('for %s', async (_, overrides, code) => {
    const image = { properties: signed(overrides) };
    expect(await codeOf(verify(image))).toBe(`rejected ${code}`);
  });

  it('for an absent part of the signature', async () => {
    const { img_signature, img_signature_hash_method } = signed();
    const image = { properties: { img_signature, img_signature_hash_method } } as Partial<Image>;
    expect(await codeOf(verify(image))).toBe('rejected SIGNATURE_INCOMPLETE');
  });

  it('for a salt that Nova would refuse', async () => {
    const signature = desk.sign(rsaKey, 'SHA-256', file, 'digest');
    const image = { properties: signed({ img_signature: signature }) };
    expect(await codeOf(verify(image))).toBe('rejected SIGNATURE_INVALID');
  });

  it('for a file that is no certificate', async () => {
    const image = { properties: signed({ img_signature_certificate_uuid: desk.publish(file) }) };
    expect(await codeOf(verify(image))).toBe('rejected CERTIFICATE_INVALID');
  });

  it('for a certificate before and after its time', async () => {
    const image = { properties: signed() };
    for (const now of ['2001-01-01', '2101-01-01']) {
      expect(await codeOf(verify(image, { now }))).toBe('rejected CERTIFICATE_OUT_OF_DATE');
    }
  });

  it('takes lines of base64 and an id in capitals', async () => {
    const {
      img_signature: value = '',
      img_signature_certificate_uuid: id = '',
      ...rest
    } = signed();
    const img_signature = `${value.slice(0, 64)}\n${value.slice(64)}\n`;
    const image = {
      properties: { ...rest, img_signature, img_signature_certificate_uuid: id.toUpperCase() },
    };
    expect(await verify(image)).toMatchObject({ output: { certificate: id } });
  });
});

describe('trust', () => {
  const outcome = (
    certificates: readonly string[],
    trusted: readonly string[],
  ): Promise<string> => {
    const img_signature_certificate_uuid = desk.publish(...certificates);
    return codeOf(verify({ properties: signed({ img_signature_certificate_uuid }) }, { trusted }));
  };
  const untrusted = 'rejected CERTIFICATE_UNTRUSTED';
  const fine = /^\{"output"/;

  it('is in an authority, or in the certificate itself', async () => {
    const own = desk.certificate(rsaKey);
    expect(await outcome([own], [authority.certificate])).toBe(untrusted);
    expect(await outcome([own], [own])).toMatch(fine);
    expect(await outcome([rsaCertificate], [own])).toBe(untrusted);
    expect(await outcome([rsaCertificate], [rsaCertificate])).toMatch(fine);
  });

  it('reaches over authorities between, from the file or trusted themselves', async () => {
    const between = desk.authority({ by: authority });
    const leaf = desk.certificate(rsaKey, between);
    expect(await outcome([leaf], [authority.certificate])).toBe(untrusted);
    expect(await outcome([leaf, between.certificate], [authority.certificate])).toMatch(fine);
    expect(await outcome([leaf], [between.certificate])).toMatch(fine);
    const stranger = desk.authority();
    expect(await outcome([leaf, between.certificate], [stranger.certificate])).toBe(untrusted);
  });

  it('does not come from a certificate that is no authority’s', async () => {
    const signer = { key: rsaKey, certificate: rsaCertificate };
    const leaf = desk.certificate(rsaKey, signer);
    expect(await outcome([leaf, rsaCertificate], [authority.certificate])).toBe(untrusted);
  });

  it('ends where an authority’s path length says', async () => {
    const root = desk.authority({ constraints: 'critical,CA:TRUE,pathlen:0' });
    const direct = desk.certificate(rsaKey, root);
    expect(await outcome([direct], [root.certificate])).toMatch(fine);
    const between = desk.authority({ by: root });
    const leaf = desk.certificate(rsaKey, between);
    expect(await outcome([leaf, between.certificate], [root.certificate])).toBe(untrusted);
    const wide = desk.authority({ constraints: 'critical,CA:TRUE,pathlen:1' });
    const below = desk.authority({ by: wide });
    const lower = desk.certificate(rsaKey, below);
    expect(await outcome([lower, below.certificate], [wide.certificate])).toMatch(fine);
  });

  it('cannot be judged without the operator’s files', async () => {
    const missing = path.join(dir.path, 'gone.pem');
    expect(await outcome([rsaCertificate], [missing])).toBe('permanent CERTIFICATES_UNREADABLE');
    expect(await outcome([rsaCertificate], [file])).toBe('permanent CERTIFICATES_UNREADABLE');
  });
});

describe('an image that is not signed', () => {
  it('passes, and is refused where it must be signed', async () => {
    expect(await verify({})).toMatch(/no signature/);
    expect(await codeOf(verify({}, { required: true }))).toBe('rejected SIGNATURE_MISSING');
    const required = [{ project: 'a-project', property: { os_distro: 'debian' } }];
    expect(await verify({}, { required })).toMatch(/no signature/);
    const debian = { properties: { os_distro: 'debian' } };
    expect(await codeOf(verify(debian, { required }))).toBe('rejected SIGNATURE_MISSING');
  });

  it('is refused too where the import has no bytes to verify', async () => {
    const task = verifyTask({ required: true });
    await using context = await taskContext({ image: { properties: signed() } });
    expect(task.skipReason(context)).toBeUndefined();
    expect(await codeOf(task.execute(context))).toBe('rejected SIGNATURE_UNVERIFIABLE');
  });
});

describe('digests in properties', () => {
  const digests = { sha256: 'acme_sha256', sha512: 'acme_sha512' };
  const hex = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex');

  it('must be those of the bytes, whether these are digested so or not', async () => {
    const right = { acme_sha256: hex('sha256').toUpperCase(), acme_sha512: hex('sha512') };
    expect(await verify({ properties: right }, { digests })).toMatchObject({
      output: { digests: ['sha256', 'sha512'] },
    });
    for (const name of ['acme_sha256', 'acme_sha512']) {
      const wrong = { ...right, [name]: hex('md5') };
      expect(await codeOf(verify({ properties: wrong }, { digests }))).toBe(
        'rejected DIGEST_MISMATCH',
      );
    }
  });
});

describe('a verification', () => {
  it('stops when it is told to', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const onProgress = (): void => {
      controller.abort(reason);
    };
    const big = path.join(dir.path, 'big');
    await writeFile(big, Buffer.alloc(96 * 2 ** 20));
    await using context = await taskContext({
      data: big,
      image: { properties: signed() },
      signal: controller.signal,
      onProgress,
    });
    await expect(verifyTask().execute(context)).rejects.toBe(reason);
    await rm(big);
  });

  it('that fails leaves nothing of the image', async () => {
    await using home = await tempDir();
    await using engine = await TestEngine.start({
      dataDir: home.path,
      tasks: [stageTask, { name: 'verify', task: verifyTask(), manifest: { judgesData: true } }],
      stores: { memory: new MemoryStore() },
      source: () => Promise.resolve(bytesSource(bytes)),
    });
    const id = await engine.createImage({ properties: signed({ img_signature: 'AAAA' }) });
    const { record } = await engine.run(id);
    expect(record).toMatchObject({ state: 'failed', failure: { code: 'SIGNATURE_INVALID' } });
    await engine.tidy();
    expect((await engine.image(id)).status).toBe('queued');
    expect(await engine.database.read.generations({})).toEqual([]);
    expect(await engine.database.read.reservedBytes()).toBe(0);
    expect(readdirSync(path.join(home.path, 'staging/data'))).toEqual([]);
  });
});

describe('a signed image that is converted', () => {
  const convert = (config: object): ConvertTask =>
    new ConvertTask(ConvertConfig.parse({ output_format: 'raw', ...config }), realQemuImg());

  it('is refused, or carries its signature as that of its source', async () => {
    const disk = await diskFile(path.join(dir.path, 'disk.qcow2'), 'qcow2');
    const image: Partial<Image> = { diskFormat: 'qcow2', properties: signed() };
    await using refused = await taskContext({ data: disk, image });
    expect(await codeOf(convert({}).execute(refused))).toBe('permanent IMAGE_SIGNED');
    expect(refused.made).toEqual([]);

    await using allowed = await taskContext({ data: disk, image });
    const { draft } = await convert({ signed: 'allow' }).execute(allowed);
    for (const [name, value] of Object.entries(image.properties ?? {})) {
      expect(draft?.properties).toMatchObject({ [name]: null, [`stowage_source_${name}`]: value });
    }
  });
});

describe('the config', () => {
  it.each([
    [{}],
    [{ digests: {} }],
    [{ signatures: { certificates: 'c', trusted: [] } }],
    [{ signatures: { trusted: ['ca.pem'] } }],
    [{ digests: { crc32: 'x' } }],
    [{ signatures: { certificates: 'c', trusted: ['ca.pem'], required: [] } }],
  ])('%j is refused', (config) => {
    expect(VerifyConfig.safeParse(config).success).toBe(false);
  });
});
