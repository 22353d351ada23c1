import type { DiskFormat, Image, Inspection } from '../../core/api.js';

/** Formats whose content the inspector can tell, so that a declaration can be held against it. */
const TOLD: ReadonlySet<string> = new Set(['raw', 'qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi', 'iso']);

/** An encrypted disk is declared as raw: its consumers decrypt it on the way. */
const READ_AS_RAW: ReadonlySet<string> = new Set(['raw', 'luks']);

/**
 * Whether the content contradicts the declared format. Nothing is said of envelopes, whose content
 * is another thing than the disk, and of formats that anything may be (`aki`, `ari`, `ami`, `ploop`).
 */
export function isMismatch(
  { diskFormat, containerFormat }: Pick<Image, 'diskFormat' | 'containerFormat'>,
  { format }: Pick<Inspection, 'format'>,
): boolean {
  if (diskFormat === null || containerFormat !== 'bare' || !TOLD.has(diskFormat)) return false;
  return diskFormat === 'raw' ? !READ_AS_RAW.has(format) : format !== diskFormat;
}

/** The `disk_format` to declare instead, where there is one for the content. */
export function correctedFormat({ format }: Pick<Inspection, 'format'>): DiskFormat | undefined {
  if (READ_AS_RAW.has(format)) return 'raw';
  return TOLD.has(format) ? (format as DiskFormat) : undefined;
}
