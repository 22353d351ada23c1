import type { Endpoint } from './endpoint.js';
import type { Limit } from './limit.js';

/** What all scenarios work with. */
export interface Bench {
  readonly limit: Limit;
  readonly files: Files;
  /** Bytes of the large image. */
  readonly size: number;
}

/** Files that are made once and kept. */
export interface Files {
  readonly directory: string;
  raw(size: number): Promise<string>;
  /** A disk image in the given format and options whose first `size` bytes are random. */
  disk(kind: DiskKind, size: number): Promise<string>;
}

export interface DiskKind {
  readonly name: string;
  readonly diskFormat: string;
  /** The format's name in `qemu-img`. */
  readonly driver: string;
  readonly options: readonly string[];
  /** Bytes that the guest sees; @default the bytes that are allocated */
  readonly virtualSize?: number;
}

/** How the server has to be set up, beside what is default. */
export type Setup = 'plain' | 'no-checksum' | 'convert' | 'tight-staging' | 'three-stores';

/** One figure: its unit, and whether more is better. */
export interface Scenario {
  readonly name: string;
  readonly setup: Setup;
  readonly unit: 's' | '/s' | 'cpu-s' | 'MiB' | 'ms';
  /** Least ratio of goodness to the peer, as the project has set itself; 2 is twice as good. */
  readonly peerTarget?: number;
  /** Least ratio of goodness to the limit. */
  readonly limitTarget?: number;
  /** Most that the figure itself may be. */
  readonly bound?: number;
  /** Takes minutes: measured in the first round only. */
  readonly isLong?: boolean;
  /** A peer cannot do it. */
  readonly isOwn?: boolean;
  measure(endpoint: Endpoint, bench: Bench): Promise<number>;
  limit?(bench: Bench): Promise<number>;
}

/** How often better `a` is than `b`: above 1 for less time, or for more in a second. */
export function goodness({ unit }: Pick<Scenario, 'unit'>, a: number, b: number): number {
  return unit === '/s' ? a / b : b / a;
}
