import type { DiskFormat, Image, Inspection } from '../../core/api.js';

/** Formats whose content the inspector can tell, so that a declaration can be held against it. */
const TOLD: ReadonlySet<string> = new Set(['raw', 'qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi', 'iso']);

/** An encrypted disk is declared as raw: its consumers decrypt it on the way. */
const READ_AS_RAW: ReadonlySet<string> = new Set(['raw', 'luks']);

type Content = Pick<Inspection, 'format' | 'subformat' | 'metadata'>;

/**
 * Whether the content contradicts the declared format. Nothing is said of envelopes, whose content
 * is another thing than the disk, and of formats that anything may be (`aki`, `ari`, `ami`, `ploop`).
 */
export function isMismatch(
  { diskFormat, containerFormat }: Pick<Image, 'diskFormat' | 'containerFormat'>,
  content: Content,
): boolean {
  if (diskFormat === null || containerFormat !== 'bare' || !TOLD.has(diskFormat)) return false;
  if (diskFormat !== 'raw') return content.format !== diskFormat;
  return !READ_AS_RAW.has(content.format) && !isDiscAndDisk(content);
}

/**
 * Whether a disc is a disk as well: it has a partition table, so that it starts from a stick, or the
 * file system UDF, which formats disks too. Its bytes are the guest's either way.
 */
function isDiscAndDisk({ format, subformat = '', metadata }: Content): boolean {
  if (format !== 'iso') return false;
  return subformat.split('+').includes('udf') || metadata['partition_table'] !== undefined;
}

/** The `disk_format` to declare instead, where there is one for the content. */
export function correctedFormat({ format }: Pick<Inspection, 'format'>): DiskFormat | undefined {
  if (READ_AS_RAW.has(format)) return 'raw';
  return TOLD.has(format) ? (format as DiskFormat) : undefined;
}
