import type { DataView } from '../../core/api.js';
import type { ConvertConfig, Convertible } from './convert-config.js';
import type { Target } from './target.js';

const MIB = 2 ** 20;

/** Smallest piece of data that qemu-img keeps apart from zeros around it: `-S 4k`, its default. */
const PIECE = 4096;

/** Bytes that one unit of the target takes even if one piece of it holds data. */
const VMDK_GRAIN = 64 * 1024;
const VHD_BLOCK = 2 * MIB;
const VDI_BLOCK = MIB;
/** The largest that qemu-img chooses for VHDX. */
const VHDX_BLOCK = 64 * MIB;

/** Headers and tables, per byte that a guest sees: qcow2 with 512-byte clusters has the most. */
const LARGEST_TABLE_SHARE = 1 / 20;
const HEADERS = 16 * MIB;

/**
 * Bytes at most that a conversion writes. A guest's data cannot be more than what occupies the disk
 * now, unless it is compressed; each piece of it may lie in a unit of the target of its own.
 */
export function workspaceFor(config: ConvertConfig, data: DataView, target: Target): number {
  const { format } = target;
  // It is staged as it is read, and takes as much as there is.
  if (format === 'raw') return 0;
  const virtualSize = target.virtualSize ?? data.inspection.virtualSize ?? data.size;
  const tables = Math.ceil(virtualSize * LARGEST_TABLE_SHARE) + HEADERS;
  const unit = unitOf(config, format);
  if (mayBeCompressed(data)) return roundUp(virtualSize, unit) + tables;
  // A piece that lies across two of the target's occupies both.
  const scattered = data.allocatedSize * 2 * Math.max(1, unit / pieceOf(data));
  return Math.min(roundUp(virtualSize, unit), scattered) + tables;
}

function mayBeCompressed({ inspection }: DataView): boolean {
  const { format, metadata } = inspection;
  return format === 'qcow2' || (format === 'vmdk' && metadata['compressed'] === true);
}

/** Bytes in which the source holds data together, where its format says. */
function pieceOf({ inspection }: DataView): number {
  const { metadata } = inspection;
  const unit = metadata['grain_size'] ?? metadata['block_size'];
  // A file may be sparse inside the units of its format.
  return inspection.format === 'raw' || typeof unit !== 'number' ? PIECE : Math.min(unit, PIECE);
}

function unitOf({ qcow2, vhd }: ConvertConfig, format: Exclude<Convertible, 'raw'>): number {
  switch (format) {
    case 'qcow2':
      return qcow2.cluster_size;
    case 'vmdk':
      return VMDK_GRAIN;
    case 'vhd':
      return vhd.subformat === 'fixed' ? PIECE : VHD_BLOCK;
    case 'vdi':
      return VDI_BLOCK;
    case 'vhdx':
      return VHDX_BLOCK;
  }
}

function roundUp(size: number, unit: number): number {
  return Math.ceil(size / unit) * unit;
}
