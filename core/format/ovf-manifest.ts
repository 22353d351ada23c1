import { createHash, type Hash } from 'node:crypto';

// Source: DMTF DSP0243 2.1.1, 6 "OVF package": lines of `SHA256(name)= hex`; 1.x has SHA1 alone.
const LINE = /^\s*(SHA1|SHA256|SHA384|SHA512)\s*\((.*)\)\s*=\s*([0-9a-f]+)\s*$/i;

/** Algorithms that are computed while no manifest has said which: it may stand at the end. */
const USUAL = ['sha1', 'sha256'] as const;

/** Longest manifest that is read. */
export const MAX_MANIFEST = 64 * 1024;

export type ManifestLine = {
  readonly algorithm: string;
  readonly name: string;
  readonly digest: string;
};

/** The digests that a manifest lists; lines that are none are left out. */
export function manifestLines(text: string): readonly ManifestLine[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [, algorithm, name, digest] = LINE.exec(line) ?? [];
    if (algorithm === undefined || name === undefined || digest === undefined) return [];
    return [{ algorithm: algorithm.toLowerCase(), name, digest: digest.toLowerCase() }];
  });
}

/** Digests of one member, in the algorithms that a manifest may ask for. */
export class MemberDigests {
  private readonly hashes: readonly (readonly [algorithm: string, hash: Hash])[];

  /** `manifest` is what is known of it so far. */
  constructor(name: string, manifest: readonly ManifestLine[]) {
    const asked = manifest.filter((line) => line.name === name).map(({ algorithm }) => algorithm);
    const algorithms = manifest.length === 0 ? USUAL : new Set(asked);
    this.hashes = [...algorithms].map((algorithm) => [algorithm, createHash(algorithm)]);
  }

  update(bytes: Uint8Array): void {
    for (const [, hash] of this.hashes) hash.update(bytes);
  }

  finish(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.hashes.map(([algorithm, hash]) => [algorithm, hash.digest('hex')]),
    );
  }
}
