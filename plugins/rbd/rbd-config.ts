import { byteSize, z } from '../../core/api.js';

export const RbdConfig = z.strictObject({
  pool: z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/)
    .describe('Pool of the images'),
  conf: z
    .string()
    .startsWith('/')
    .default('/etc/ceph/ceph.conf')
    .describe('Configuration of the Ceph client; programs see its whole folder'),
  user: z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/)
    .default('glance')
    .describe('Ceph user without "client."; its capabilities: `profile rbd` on the pool'),
  keyring: z
    .string()
    .startsWith('/')
    .optional()
    .describe('Key of the user, where the configuration does not say it'),
  object_size: byteSize({ min: 4096, max: 32 * 1024 ** 2 })
    .prefault('8 MiB')
    .refine((size) => Number.isInteger(Math.log2(size)), 'must be a power of two')
    .describe('Bytes of one object in the pool'),
});
export type RbdConfig = z.output<typeof RbdConfig>;
