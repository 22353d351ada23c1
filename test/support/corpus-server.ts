import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { objectPath } from '../../plugins/filesystem/object-path.js';
import { ApiClient } from './api-client.js';
import type { ImageDocument, ImportDocument } from './api-client.js';
import { corpusBytes } from './corpus.js';
import type { CorpusRow } from './corpus.js';
import { digestOf, qemuDriver } from './images.js';
import { startServer } from './server.js';
import type { TestServer } from './server.js';

const run = promisify(execFile);

/** Everything that `convert` makes. */
export const TARGETS = ['raw', 'qcow2', 'vdi', 'vmdk', 'vhd', 'vhdx'] as const;
export type Target = (typeof TARGETS)[number];

/** The image's property `target` chooses what it is converted to. */
const CONFIG = `
log: { level: warn }
stores:
  - { id: default, driver: filesystem, path: store/default }
staging: { capacity: 4 TiB }
imports:
  concurrency: 4
  retry: { attempts: 2, backoff: 50 ms }
  methods: [glance-direct]
  pipelines:
${TARGETS.map(
  (target) => `    - when: { property: { target: ${target} } }
      tasks:
        - stage
        - { plugin: decompress, concurrency: 4 }
        - introspect
        - virtual-size
        - { plugin: convert, config: { output_format: ${target} }, concurrency: 4 }
        - store`,
).join('\n')}
`;

/** An image of the corpus as a client has it. */
export interface Source {
  readonly file: string;
  readonly diskFormat: string;
  readonly containerFormat: string;
  readonly sha512: string;
}

/** What became of an image that was sent. */
export interface Outcome {
  readonly image: ImageDocument;
  /** The answer's code where the bytes were refused as they came. */
  readonly refusal: Refusal | undefined;
  readonly run: ImportDocument | undefined;
}

interface Finding {
  readonly rule: string;
  readonly severity: string;
}

interface FailureDocument {
  readonly code: string;
  readonly details?: { readonly findings?: readonly Finding[] };
}

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly rules: readonly string[];
}

/** A built server with a pipeline for each target, and a folder for what is compared. */
export class CorpusServer {
  readonly #sources = new Map<string, Promise<Source>>();

  private constructor(
    readonly dataDir: string,
    readonly work: string,
    readonly server: TestServer,
    readonly client: ApiClient,
  ) {}

  static async start(directory: string): Promise<CorpusServer> {
    const config = path.join(directory, 'stowage.yaml');
    const work = path.join(directory, 'work');
    const dataDir = path.join(directory, 'data');
    await mkdir(work);
    await writeFile(config, CONFIG);
    const server = await startServer({ dataDir, config });
    return new CorpusServer(dataDir, work, server, new ApiClient(server.url));
  }

  /** An image as a client sends it, in its container. The same image is written once. */
  source(row: CorpusRow): Promise<Source> {
    const known = this.#sources.get(row.path);
    if (known !== undefined) return known;
    const made = this.#write(row);
    this.#sources.set(row.path, made);
    return made;
  }

  async #write(row: CorpusRow): Promise<Source> {
    const file = path.join(this.work, `${this.#sources.size}-${path.basename(row.path)}`);
    await writeFile(file, corpusBytes(row));
    return { file, ...declared(row), sha512: await digestOf(file) };
  }

  /** Creates, stages and imports; what is refused on the way is an answer too. */
  async import({ file, diskFormat, containerFormat }: Source, target: Target): Promise<Outcome> {
    const { client } = this;
    const { id } = await client.createImage({
      disk_format: diskFormat,
      container_format: containerFormat,
      target,
    });
    const staged = await client.send(id, 'stage', file);
    if (staged.status !== 204) {
      const { code, details } = (staged.body as { error: FailureDocument }).error;
      const refusal = { status: staged.status, code, rules: unsafe(details?.findings ?? []) };
      return { image: await client.image(id), refusal, run: undefined };
    }
    const accepted = await client.import(id, { method: { name: 'glance-direct' } });
    if (accepted.status !== 202) throw new Error(`import: ${accepted.status} ${accepted.text}`);
    const run = await client.finished(id);
    return { image: await client.image(id), refusal: undefined, run };
  }

  /** The one file that the store keeps of an image. */
  async storedFile(imageId: string): Promise<string> {
    const folder = path.join(this.dataDir, 'store', 'default', objectPath(imageId));
    const [name, ...others] = await readdir(folder);
    if (name === undefined || others.length > 0) {
      throw new Error(`Image ${imageId} has ${others.length} stored files too many in "${folder}"`);
    }
    return path.join(folder, name);
  }

  /**
   * Sha256 of the first `length` bytes that a guest sees, if all that follow are zeros.
   * @param name of a temporary file
   */
  async guestSha256(
    file: string,
    diskFormat: string,
    length: number,
    name: string,
  ): Promise<string> {
    if (qemuDriver(diskFormat) === 'raw') return sha256Before(file, length);
    const raw = path.join(this.work, `${name}.raw`);
    await run('qemu-img', ['convert', '-f', qemuDriver(diskFormat), '-O', 'raw', file, raw]);
    try {
      return await sha256Before(raw, length);
    } finally {
      await rm(raw);
    }
  }
}

function unsafe(findings: readonly Finding[]): readonly string[] {
  return findings.filter(({ severity }) => severity === 'unsafe').map(({ rule }) => rule);
}

/** Formats that `disk_format` has a word for; a client calls everything else a raw disk. */
const DISK_FORMATS: ReadonlySet<string> = new Set([
  ...['raw', 'qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi', 'iso'],
]);

/** What a client says of an image: of a package, what its disks are. */
function declared({ format }: CorpusRow): { diskFormat: string; containerFormat: string } {
  if (format === 'ova') return { diskFormat: 'vmdk', containerFormat: 'ova' };
  return { diskFormat: DISK_FORMATS.has(format) ? format : 'raw', containerFormat: 'bare' };
}

async function sha256Before(file: string, length: number): Promise<string> {
  const hash = createHash('sha256');
  let at = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 })) {
    const bytes = chunk as Buffer;
    const kept = Math.min(bytes.length, Math.max(0, length - at));
    hash.update(bytes.subarray(0, kept));
    if (bytes.subarray(kept).some((byte) => byte !== 0)) throw new Error(`"${file}" goes on`);
    at += bytes.length;
  }
  if (at < length) hash.update(Buffer.alloc(length - at));
  return hash.digest('hex');
}
