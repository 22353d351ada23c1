import { byteSize, z } from '../../core/api.js';

/** Formats that can be made, and read, in the words of `disk_format`. */
export const CONVERTIBLE = ['raw', 'qcow2', 'vdi', 'vmdk', 'vhd', 'vhdx'] as const;
export type Convertible = (typeof CONVERTIBLE)[number];

/** qemu-img's limits for a cluster. */
const CLUSTER = { min: 512, max: 2 * 2 ** 20 };

export const ConvertConfig = z.strictObject({
  output_format: z.enum(CONVERTIBLE).default('raw').describe('Format of the stored image'),
  signed: z
    .enum(['refuse', 'allow'])
    .default('refuse')
    .describe('What becomes of signed images, whose signature does not hold for other bytes'),
  qcow2: z
    .strictObject({
      compression: z.boolean().default(false).describe('Compress the clusters'),
      compression_type: z.enum(['zlib', 'zstd']).default('zlib'),
      cluster_size: byteSize(CLUSTER)
        .refine((size) => Number.isInteger(Math.log2(size)), 'expected a power of two')
        .prefault('64 KiB'),
    })
    .prefault({}),
  vmdk: z
    .strictObject({
      subformat: z.enum(['streamOptimized', 'monolithicSparse']).default('streamOptimized'),
      adapter_type: z.enum(['lsilogic', 'buslogic', 'ide']).default('lsilogic'),
    })
    .prefault({}),
  vhd: z
    .strictObject({
      subformat: z.enum(['dynamic', 'fixed']).default('dynamic'),
      align: z
        .boolean()
        .default(true)
        .describe('Round the virtual size up to whole MiB, as Azure asks'),
    })
    .prefault({}),
});
export type ConvertConfig = z.output<typeof ConvertConfig>;
