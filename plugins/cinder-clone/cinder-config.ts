import { duration, serviceAccount, z } from '../../core/api.js';

const httpUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));

/** A Cinder without Keystone believes whoever it is told. */
const NoAuth = z.strictObject({
  user: z.string().min(1),
  project: z
    .string()
    .regex(/^[0-9a-f-]+$/)
    .describe('Project of the volumes'),
});

/** How the client of the storage behind a volume signs in there; the programs see the folders of these files. */
const Ceph = z.strictObject({
  conf: z.string().startsWith('/').default('/etc/ceph/ceph.conf'),
  user: z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/)
    .optional()
    .describe('Ceph user without "client."; otherwise the one that Cinder names'),
  keyring: z.string().startsWith('/').optional().describe('Key of the user'),
});

export const CinderConfig = z
  .strictObject({
    keystone: serviceAccount()
      .optional()
      .describe('Account of the volumes: it has the role of an administrator in Cinder'),
    noauth: NoAuth.optional().describe('For a Cinder without Keystone'),
    endpoint: httpUrl
      .optional()
      .describe(
        'Volume API with its version: https://cinder.example.org/v3; otherwise of the catalogue',
      ),
    region: z.string().min(1).optional(),
    interface: z.enum(['public', 'internal', 'admin']).default('internal'),
    volume_type: z.string().min(1).optional().describe('Of volumes that are written'),
    ceph: Ceph.prefault({}),
    files: z
      .array(z.string().startsWith('/'))
      .default([])
      .describe('Folders of this machine whose files may be volumes'),
    timeout: duration({ min: 1000 })
      .prefault('10 min')
      .describe('For a volume to become ready or to go'),
  })
  .refine(
    ({ keystone, noauth }) => (keystone === undefined) !== (noauth === undefined),
    'needs either keystone or noauth',
  )
  .refine(
    ({ keystone, endpoint }) => keystone !== undefined || endpoint !== undefined,
    'needs an endpoint where there is no catalogue',
  );
export type CinderConfig = z.output<typeof CinderConfig>;
