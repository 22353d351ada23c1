import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** A folder of images with `manifest.jsonl`, a line of JSON with the truth about each. */
export const corpusFolder = path.resolve(
  ROOT,
  process.env['STOWAGE_TEST_IMAGES'] ?? '../shared/images',
);
export const corpusManifest = path.join(corpusFolder, 'manifest.jsonl');

/** One line of the manifest, as far as tests look at it. The folder's README has the fields. */
export interface CorpusRow {
  readonly path: string;
  /** Packed to save room: to be unpacked before it is used. */
  readonly packed?: 'gz' | 'xz';
  /** The container is part of the test; the other fields speak of what it holds. */
  readonly compressed_container?: string | null;
  readonly format: string;
  readonly subformat: string | null;
  readonly accept_formats?: readonly string[];
  readonly virtual_size_bytes: number | null;
  readonly virtual_size_by_spec?: number;
  /** `extent` is a part of a set of files, not an upload. */
  readonly role?: string;
  /** Of what `qemu-img convert -O raw` makes of the image. */
  readonly raw_sha256?: string | null;
  readonly expectations: {
    readonly safe: boolean;
    readonly strength: 'must' | 'deep' | 'policy';
    readonly codes: readonly string[];
  };
}

/** Every row; none where the folder is absent. */
export function corpusRows(): readonly CorpusRow[] {
  if (!existsSync(corpusManifest)) return [];
  return readFileSync(corpusManifest, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as CorpusRow);
}

/** The image's bytes: out of what saves room, with its container where that is part of the test. */
export function corpusBytes({ path: file, packed }: CorpusRow): Buffer {
  const bytes = readFileSync(path.join(corpusFolder, file));
  return packed === undefined ? bytes : unpacked(bytes, packed);
}

function unpacked(bytes: Buffer, packed: 'gz' | 'xz'): Buffer {
  if (packed === 'gz') return gunzipSync(bytes);
  return execFileSync('xz', ['-dc'], { input: bytes, maxBuffer: 2 ** 30 });
}
