import type { JsonObject } from '../base/json.js';

/**
 * One thing an inspector has to say about the bytes. `unsafe` findings are broken safety rules: no
 * external program may open the image and it may not become active. `note` findings only inform.
 */
export type Finding = {
  /** Name of the rule in kebab-case, for example `backing-file`. */
  readonly rule: string;
  readonly severity: 'unsafe' | 'note';
  /** Byte offset of the structure that shows it. */
  readonly offset: number;
  /** What was found, with the values quoted. */
  readonly message: string;
  /** What the person who sent the image can do. */
  readonly hint: string;
  /** The deployer has relaxed the rule: without that the finding would be `unsafe`. */
  readonly relaxed?: true;
};

/** What the core inspector says of one generation of the bytes. JSON-shaped: it is kept in a row. */
export type Inspection = {
  /**
   * The format found, in the words of `disk_format`: `raw`, `qcow2`, `vmdk`, `vhd`, `vhdx`, `vdi`,
   * `iso` …; `raw` where no other format is recognised. A GPT or MBR disk is `raw` with a subformat.
   */
  readonly format: string;
  /** The format's own variant, for example `streamOptimized`, `fixed`, `v3`, `gpt`. */
  readonly subformat?: string;
  /** Bytes that a guest sees; absent where the format does not tell. */
  readonly virtualSize?: number;
  /** Bytes that were inspected, from first to last. */
  readonly size: number;
  /** No finding is `unsafe`. */
  readonly safe: boolean;
  readonly findings: readonly Finding[];
  /** What the image says of itself, with snake_case keys; the keys of each format are documented. */
  readonly metadata: JsonObject;
};

/**
 * Inspects a byte stream as it passes. Never throws on any input, keeps at most 1 MiB, and does
 * little work for bytes that no format looks at.
 */
export interface StreamInspector {
  /** Takes the next bytes of the stream; does not keep a reference to `chunk`. */
  update(chunk: Uint8Array): void;
  /** Ends the stream and judges it. Call once. */
  finish(): Inspection;
}
