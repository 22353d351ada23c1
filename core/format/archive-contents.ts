import type { FormatInspector } from './frame.js';
import type { Finding, Inspection } from './inspection.js';
import { manifestLines, MAX_MANIFEST, MemberDigests, type ManifestLine } from './ovf-manifest.js';
import { OvfReader, type OvfDescriptor } from './ovf.js';
import { StreamInspection } from './stream-inspection.js';

/** One file of an archive. */
export type Member = {
  readonly name: string;
  /** Of its first byte in the archive. */
  readonly offset: number;
  readonly size: number;
  /** Hex by algorithm. */
  readonly digests: Readonly<Record<string, string>>;
  /** Of members that may be disks: what matters of their inspection. */
  readonly disk?: Pick<Inspection, 'format' | 'virtualSize' | 'findings'>;
};

/** Takes one member's bytes. */
export type MemberTaker = {
  push(bytes: Uint8Array): void;
  finish(): void;
};

/** Findings that are kept of one member. */
const MAX_FINDINGS = 8;

/** Nothing is relaxed or limited here: that is for the inspection of the whole to say. */
const POLICY = { relaxedRules: new Set<string>(), maxVirtualSize: Number.MAX_SAFE_INTEGER };

/**
 * Everything that is known of an archive's members. The descriptor and the manifest are read; every
 * other member is inspected, because it may be a disk whatever it is called.
 */
export class Contents {
  readonly members: Member[] = [];
  readonly descriptors: { readonly name: string; readonly descriptor: OvfDescriptor }[] = [];
  readonly manifest: ManifestLine[] = [];
  readonly findings: Finding[] = [];

  constructor(private readonly formats: readonly FormatInspector[]) {}

  take(name: string, offset: number, size: number): MemberTaker {
    const digests = new MemberDigests(name, this.manifest);
    const reader = this.readerOf(name);
    return {
      push: (bytes) => {
        digests.update(bytes);
        reader.push(bytes);
      },
      finish: () => {
        const disk = reader.finish();
        this.members.push({
          ...{ name, offset, size, digests: digests.finish() },
          ...(disk === undefined ? {} : { disk }),
        });
      },
    };
  }

  private readerOf(name: string): {
    push(bytes: Uint8Array): void;
    finish(): Member['disk'];
  } {
    if (/\.ovf$/i.test(name)) {
      const reader = new OvfReader();
      return {
        push: (bytes) => {
          reader.push(bytes);
        },
        finish: () => {
          this.descriptors.push({ name, descriptor: reader.finish() });
          return undefined;
        },
      };
    }
    if (/\.mf$/i.test(name)) {
      let text = '';
      return {
        push: (bytes) => {
          if (text.length < MAX_MANIFEST) text += Buffer.from(bytes).toString('utf8');
        },
        finish: () => {
          this.manifest.push(...manifestLines(text));
          return undefined;
        },
      };
    }
    const inspection = new StreamInspection(this.formats, POLICY);
    return {
      push: (bytes) => {
        inspection.update(bytes);
      },
      finish: () => summary(inspection.finish()),
    };
  }
}

function summary({ format, virtualSize, findings }: Inspection): Member['disk'] {
  return {
    format,
    ...(virtualSize === undefined ? {} : { virtualSize }),
    findings: findings.filter(({ severity }) => severity === 'unsafe').slice(0, MAX_FINDINGS),
  };
}
