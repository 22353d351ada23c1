import { byteSize, z } from '../../core/api.js';

const MIB = 2 ** 20;

export const DecompressConfig = z.strictObject({
  keep: z
    .array(z.enum(['compressed', 'ova']))
    .default(['compressed'])
    .describe('Images of these container_formats are stored as they came'),
  signed: z
    .enum(['refuse', 'allow'])
    .default('refuse')
    .describe('What becomes of signed images, whose signature does not hold for other bytes'),
  max_size: byteSize().prefault('1 TiB').describe('Most that may come of one image'),
  max_ratio: z
    .int()
    .min(2)
    .default(1000)
    .describe('Most bytes that may come of one byte; more is taken for a bomb'),
  ratio_from: byteSize()
    .prefault('1 GiB')
    .describe('What comes of an image may be this large whatever its ratio'),
  max_layers: z
    .int()
    .min(1)
    .max(4)
    .default(2)
    .describe('Compressions inside one another that are unpacked'),
  memory: byteSize({ min: 64 * MIB })
    .prefault('512 MiB')
    .describe('Address space of one decompressor'),
  ovf_properties: z
    .boolean()
    .default(true)
    .describe('Publish what an OVF descriptor says of the machine as image properties'),
});
export type DecompressConfig = z.output<typeof DecompressConfig>;
