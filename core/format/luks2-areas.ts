import { printable, type ByteView } from './byte-view.js';

// Source: "LUKS2 On-Disk Format Specification" 1.1.1, 3 "LUKS2 JSON": sizes are decimal texts, since
// numbers of JSON do not hold 64 bits.

/** A part of the file that holds the guest's bytes. Numbers are NaN where the text is none. */
export type Segment = {
  readonly type: string;
  readonly offset: number;
  readonly length: number | 'dynamic';
  readonly cipher: string;
};

/** What is kept of the JSON area. */
export type Areas = {
  readonly segments: readonly Segment[];
  /** 3.7: what a reader must know to use the volume. */
  readonly requirements: readonly string[];
};

const MAX_KEPT = 32;

/** Reads the JSON area, which ends at the first NUL; `undefined` where it is no JSON object. */
export function parseAreas({ bytes }: ByteView): Areas | undefined {
  const nul = bytes.indexOf(0);
  // Text that goes on behind what was read is not judged by half.
  const json = nul < 0 ? undefined : parsed(Buffer.from(bytes.subarray(0, nul)));
  const segments = field(json, 'segments');
  if (typeof segments !== 'object' || segments === null) return undefined;
  const mandatory = field(field(field(json, 'config'), 'requirements'), 'mandatory');
  return {
    segments: Object.values(segments).slice(0, MAX_KEPT).map(segmentOf),
    requirements: Array.isArray(mandatory) ? mandatory.slice(0, MAX_KEPT).map(text) : [],
  };
}

function segmentOf(segment: unknown): Segment {
  const size = field(segment, 'size');
  return {
    type: text(field(segment, 'type')),
    offset: decimal(field(segment, 'offset')),
    length: size === 'dynamic' ? 'dynamic' : decimal(size),
    cipher: text(field(segment, 'encryption')),
  };
}

function decimal(value: unknown): number {
  return typeof value === 'string' && /^\d{1,20}$/.test(value) ? Number(value) : NaN;
}

function parsed(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'));
  } catch {
    return undefined;
  }
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function text(value: unknown): string {
  return typeof value === 'string' ? printable(value) : '';
}
