import type { JsonObject } from '../base/json.js';
import type { Verdict } from './frame.js';
import type { Finding, Inspection } from './inspection.js';
import { finding } from './rules.js';
import { paddedToSector } from './sector.js';

export type Policy = {
  readonly relaxedRules: ReadonlySet<string>;
  /** Highest virtual size in bytes. */
  readonly maxVirtualSize: number;
};

/** Makes one inspection of what the format inspectors said of a stream of `size` bytes. */
export function combine(verdicts: readonly Verdict[], size: number, policy: Policy): Inspection {
  const images = verdicts
    .filter(({ layer }) => layer === 'image')
    .toSorted((a, b) => a.signatureAt - b.signatureAt);
  const tables = verdicts.filter(
    ({ layer }) => layer === 'partition-table' || layer === 'partition-backup',
  );
  const [table] = tables;
  const image = whole(images) ?? raw(size, table);
  const isPlainDisk = image.firstSector === 'guest';
  const findings = [
    ...images.flatMap((verdict) => verdict.findings),
    ...(isPlainDisk ? (table?.findings ?? []) : []),
    ...verdicts.filter(({ layer }) => layer === 'none').flatMap((verdict) => verdict.findings),
    ...conflicts(image, verdicts),
    ...sizeLimit(image, policy.maxVirtualSize),
  ].map((found) => relax(found, policy.relaxedRules));
  return {
    format: image.format,
    ...(image.subformat === undefined ? {} : { subformat: image.subformat }),
    ...virtualSize(image),
    size,
    safe: findings.every(({ severity }) => severity !== 'unsafe'),
    findings,
    metadata: {
      ...(isPlainDisk ? table?.metadata : {}),
      ...image.metadata,
    },
  };
}

/** What no format claims is a raw disk; a reader that works in sectors pads the last one. */
function raw(size: number, table: Verdict | undefined): Verdict {
  const subformat = table?.subformat;
  return {
    format: 'raw',
    layer: 'image',
    signatureAt: 0,
    firstSector: 'guest',
    ...(subformat === undefined ? {} : { subformat }),
    virtualSize: { bytes: paddedToSector(size), offset: 0 },
    findings: [],
    metadata: {},
  };
}

/**
 * The image of the lowest signature, completed by what others say of the same format: a disc may
 * have the structures of two standards, which name the same files.
 */
function whole(images: readonly Verdict[]): Verdict | undefined {
  const [first] = images;
  if (first === undefined) return undefined;
  const parts = images.filter(({ format }) => format === first.format);
  if (parts.length === 1) return first;
  const subformat = parts.flatMap((part) => part.subformat ?? []).join('+');
  const metadata = Object.assign({}, ...parts.map((part) => part.metadata)) as JsonObject;
  return { ...first, subformat, metadata };
}

function conflicts(image: Verdict, verdicts: readonly Verdict[]): readonly Finding[] {
  const others = verdicts.filter((verdict) => {
    if (verdict.layer === 'none') return false;
    if (verdict.layer === 'image') return verdict.format !== image.format;
    if (verdict.layer === 'boot-sector') return image.firstSector === 'header';
    return verdict.layer !== 'partition-backup' && image.firstSector !== 'guest';
  });
  return others.map((other) =>
    finding(
      'multiple-formats',
      other.signatureAt,
      `The bytes are "${image.format}" and, by what stands at offset ${other.signatureAt}, "${other.format}" too`,
    ),
  );
}

function sizeLimit(image: Verdict, maxVirtualSize: number): readonly Finding[] {
  const { virtualSize: told } = image;
  if (told === undefined || told.bytes <= maxVirtualSize) return [];
  if (image.findings.some(({ rule }) => rule === 'virtual-size-limit')) return [];
  return [
    finding(
      'virtual-size-limit',
      told.offset,
      `The virtual size is ${exact(told.bytes)} bytes, the limit is ${maxVirtualSize}`,
    ),
  ];
}

/** A size that a JavaScript number cannot hold exactly is left out; a finding tells of it. */
function virtualSize({ virtualSize: told }: Verdict): { readonly virtualSize?: number } {
  return told && Number.isSafeInteger(told.bytes) && told.bytes >= 0
    ? { virtualSize: told.bytes }
    : {};
}

/** All digits of a size; a descriptor in text can tell one that is no finite number. */
function exact(bytes: number): string {
  return Number.isFinite(bytes) ? BigInt(Math.floor(bytes)).toString() : String(bytes);
}

function relax(found: Finding, relaxedRules: ReadonlySet<string>): Finding {
  if (found.severity !== 'unsafe' || !relaxedRules.has(found.rule)) return found;
  return { ...found, severity: 'note', relaxed: true };
}
