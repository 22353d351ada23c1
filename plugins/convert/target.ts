import type { Inspection } from '../../core/api.js';
import type { ConvertConfig, Convertible } from './convert-config.js';

const MIB = 2 ** 20;

/** What is asked of qemu-img. */
export interface Target {
  readonly format: Convertible;
  /** `-o` of the format. */
  readonly options: Readonly<Record<string, string>>;
  readonly compress: boolean;
  /** Bytes that a guest sees, where that is more than the source's. */
  readonly virtualSize?: number;
}

/** The target that the config describes for a source. */
export function targetFor(config: ConvertConfig, { virtualSize }: Inspection): Target {
  const { output_format: format, qcow2, vmdk, vhd } = config;
  switch (format) {
    case 'qcow2':
      return {
        format,
        compress: qcow2.compression,
        options: {
          compat: '1.1',
          cluster_size: String(qcow2.cluster_size),
          ...(qcow2.compression ? { compression_type: qcow2.compression_type } : {}),
        },
      };
    case 'vmdk': {
      const options = { subformat: vmdk.subformat, adapter_type: vmdk.adapter_type };
      return { format, compress: false, options };
    }
    case 'vhd': {
      // Without `force_size` qemu-img rounds to a CHS geometry, and the guest sees another size.
      const options = { subformat: vhd.subformat, force_size: 'on' };
      const aligned = virtualSize === undefined ? 0 : Math.ceil(virtualSize / MIB) * MIB;
      const grows = vhd.align && virtualSize !== undefined && aligned > virtualSize;
      return { format, compress: false, options, ...(grows ? { virtualSize: aligned } : {}) };
    }
    case 'raw':
    case 'vdi':
    case 'vhdx':
      return { format, compress: false, options: {} };
  }
}

/** Whether bytes of the target's format are as the target wants them already. */
export function isAsWanted(
  config: ConvertConfig,
  { format, subformat, metadata }: Inspection,
  target: Target,
): boolean {
  if (format !== target.format) return false;
  switch (target.format) {
    case 'qcow2':
      // Nothing in a header says whether the clusters are compressed.
      return !target.compress && metadata['cluster_size'] === config.qcow2.cluster_size;
    case 'vmdk':
      return subformat === config.vmdk.subformat;
    case 'vhd':
      return subformat === config.vhd.subformat && target.virtualSize === undefined;
    case 'raw':
    case 'vdi':
    case 'vhdx':
      return true;
  }
}
