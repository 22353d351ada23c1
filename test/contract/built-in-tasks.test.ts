import { createHash } from 'node:crypto';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll } from 'vitest';
import { systemClock } from '../../core/base/clock.js';
import { nodeFiles } from '../../core/plugin/testing/index.js';
import { ConvertConfig } from '../../plugins/convert/convert-config.js';
import { ConvertTask } from '../../plugins/convert/convert-task.js';
import { DecompressConfig } from '../../plugins/decompress/decompress-config.js';
import { DecompressTask } from '../../plugins/decompress/decompress-task.js';
import { FilesystemStore } from '../../plugins/filesystem/filesystem-store.js';
import { InjectConfig } from '../../plugins/inject-metadata/inject-config.js';
import { InjectTask } from '../../plugins/inject-metadata/inject-task.js';
import { IntrospectConfig } from '../../plugins/introspect/introspect-config.js';
import { IntrospectTask } from '../../plugins/introspect/introspect-task.js';
import { StageTask } from '../../plugins/stage/stage-task.js';
import { StoreTask } from '../../plugins/store/store-task.js';
import { VerifyConfig } from '../../plugins/verify/verify-config.js';
import { VerifyTask } from '../../plugins/verify/verify-task.js';
import { VirtualSizeTask } from '../../plugins/virtual-size/virtual-size-task.js';
import { gptDisk } from '../support/images/disk.js';
import { ovaPackage } from '../support/images/ova.js';
import { qcow2Image } from '../support/images/qcow2.js';
import { vmdkStream } from '../support/images/vmdk.js';
import { zipArchive } from '../support/images/zip.js';
import { diskFile } from '../support/qemu-files.js';
import { realPrograms, realQemuImg } from '../support/real-qemu-img.js';
import { tempDir } from '../support/temp-dir.js';
import { describeTask } from './task-contract.js';

let directory: Awaited<ReturnType<typeof tempDir>>;
const qcow2 = (): string => path.join(directory.path, 'disk.qcow2');

beforeAll(async () => {
  directory = await tempDir();
  await diskFile(qcow2(), 'qcow2');
});

afterAll(async () => {
  await directory[Symbol.asyncDispose]();
});

describeTask('stage', [
  {
    title: 'staged bytes',
    task: () => new StageTask(),
    context: () => ({ data: gptDisk(), source: { kind: 'staged' } }),
  },
  {
    title: 'a location',
    task: () => new StageTask(),
    context: () => ({
      source: { kind: 'location', store: 's', url: 'u', size: 1, virtualSize: undefined },
    }),
  },
]);

const introspect =
  (config: object = {}) =>
  () =>
    new IntrospectTask(IntrospectConfig.parse(config));

describeTask('introspect', [
  {
    title: 'a qcow2',
    task: introspect(),
    context: () => ({ image: { diskFormat: 'qcow2' }, data: qcow2Image() }),
  },
  {
    title: 'a stream-optimised VMDK',
    task: introspect(),
    context: () => ({ image: { diskFormat: 'vmdk' }, data: vmdkStream() }),
  },
  {
    title: 'a qcow2 that is declared as raw',
    task: introspect(),
    context: () => ({ data: qcow2Image() }),
    fails: { class: 'rejected', code: 'FORMAT_MISMATCH' },
  },
  {
    title: 'a format that is corrected',
    task: introspect({ mismatch: 'correct' }),
    context: () => ({ data: qcow2Image() }),
  },
]);

describeTask('virtual-size', [
  { title: 'a raw disk', task: () => new VirtualSizeTask(), context: () => ({ data: gptDisk() }) },
  {
    title: 'a qcow2',
    task: () => new VirtualSizeTask(),
    context: () => ({ image: { diskFormat: 'qcow2' }, data: qcow2Image() }),
  },
]);

const inject = (config: object) => () =>
  new InjectTask(InjectConfig.parse(config), { maxProperties: 2 });

describeTask('inject-metadata', [
  {
    title: 'a rule that holds',
    task: inject({ rules: [{ when: { role: 'member' }, properties: { a: 1 } }] }),
    context: () => ({ data: gptDisk() }),
  },
  {
    title: 'more properties than an image may have',
    task: inject({ rules: [{ properties: { a: 1, b: 2, c: 3 } }] }),
    context: () => ({ data: gptDisk() }),
    fails: { class: 'permanent', code: 'PROPERTIES_EXCEEDED' },
  },
]);

const verify = (config: object) => () =>
  new VerifyTask(VerifyConfig.parse(config), { dataDir: directory.path }, systemClock);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describeTask('verify', [
  {
    title: 'a digest in a property',
    task: verify({ digests: { sha256: 'sum' } }),
    context: () => ({ data: gptDisk(), image: { properties: { sum: sha256(gptDisk()) } } }),
  },
  {
    title: 'a digest of other bytes',
    task: verify({ digests: { sha256: 'sum' } }),
    context: () => ({ data: gptDisk(), image: { properties: { sum: sha256(Buffer.from('x')) } } }),
    fails: { class: 'rejected', code: 'DIGEST_MISMATCH' },
  },
  {
    title: 'an image that must be signed',
    task: verify({ signatures: { certificates: 'c', trusted: ['ca.pem'], required: true } }),
    context: () => ({ data: gptDisk() }),
    fails: { class: 'rejected', code: 'SIGNATURE_MISSING' },
  },
]);

const convert = (config: object) => () =>
  new ConvertTask(ConvertConfig.parse(config), realQemuImg());

describeTask('convert', [
  {
    title: 'qcow2 to raw',
    task: convert({ output_format: 'raw' }),
    context: () => ({ image: { diskFormat: 'qcow2' }, data: qcow2() }),
  },
  {
    title: 'raw to qcow2',
    task: convert({ output_format: 'qcow2' }),
    context: () => ({ data: `${qcow2()}.raw` }),
  },
  {
    title: 'raw to raw',
    task: convert({ output_format: 'raw' }),
    context: () => ({ data: `${qcow2()}.raw` }),
  },
]);

const decompress =
  (config: object = {}) =>
  () =>
    new DecompressTask(DecompressConfig.parse(config), realPrograms());

describeTask('decompress', [
  {
    title: 'a gzip file',
    task: decompress(),
    context: () => ({ data: gzipSync(gptDisk()) }),
  },
  { title: 'a zip archive', task: decompress(), context: () => ({ data: zipArchive() }) },
  {
    title: 'an OVA',
    task: decompress(),
    context: () => ({
      image: { containerFormat: 'ova', diskFormat: 'vmdk' },
      data: ovaPackage({ manifest: 'first' }),
    }),
  },
  { title: 'a disk', task: decompress(), context: () => ({ data: gptDisk() }) },
  {
    title: 'a file that is cut',
    task: decompress(),
    context: () => ({ data: gzipSync(gptDisk()).subarray(0, 1000) }),
    fails: { class: 'rejected', code: 'CONTAINER_DAMAGED' },
  },
]);

describeTask('store', [
  {
    title: 'into a filesystem store',
    task: () => new StoreTask(),
    context: async () => {
      const store = new FilesystemStore(path.join(directory.path, 'store'), 'fast', nodeFiles);
      await store.start({ holdsObjects: false });
      return { data: gptDisk(), store: { id: 'fast', store: new Unrepeatable(store) } };
    },
  },
]);

/** Names are used once: the engine answers a repeated `place` from its records, the kit does not. */
class Unrepeatable {
  #count = 0;
  constructor(private readonly store: FilesystemStore) {}

  write: FilesystemStore['write'] = (name, ...rest) =>
    this.store.write(`${name}.${(this.#count += 1)}`, ...rest);
  open: FilesystemStore['open'] = (...args) => this.store.open(...args);
  stat: FilesystemStore['stat'] = (...args) => this.store.stat(...args);
  delete: FilesystemStore['delete'] = (...args) => this.store.delete(...args);
  discard: FilesystemStore['discard'] = (...args) => this.store.discard(...args);
}
