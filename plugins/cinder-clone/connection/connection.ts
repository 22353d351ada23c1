import { UnsupportedError, z } from '../../../core/api.js';
import type { CinderApi } from '../cinder/cinder-api.js';

const Attachment = z.looseObject({
  attachment: z.looseObject({
    id: z.string(),
    connection_info: z.looseObject({ driver_volume_type: z.string().optional() }).nullish(),
  }),
});

const Rbd = z.looseObject({
  driver_volume_type: z.literal('rbd'),
  name: z.string().regex(/^[^/@\s-][^/@\s]*\/[^/@\s-][^/@\s]*$/),
  auth_username: z.string().nullish(),
});

const Local = z.looseObject({
  driver_volume_type: z.literal('local'),
  device_path: z.string().startsWith('/'),
});

/** Where the bytes of a volume are. */
export type Connection = RbdConnection | FileConnection;

export interface FileConnection {
  readonly kind: 'file';
  /** Absolute. */
  readonly path: string;
}

export interface RbdConnection {
  readonly kind: 'rbd';
  /** Image in its pool: `POOL/IMAGE`. */
  readonly image: string;
  readonly user: string | undefined;
}

/** A volume that is connected to this machine; whoever asked for it ends it. */
export interface Attached {
  readonly id: string;
  readonly connection: Connection;
}

/** Connects a volume. @throws {UnsupportedError} `CONNECTION_UNSUPPORTED`, with the attachment ended */
export async function attach(
  api: CinderApi,
  volume: string,
  {
    host,
    mode,
    signal,
  }: { readonly host: string; readonly mode: 'ro' | 'rw'; readonly signal: AbortSignal },
): Promise<Attached> {
  const connector = {
    host,
    ip: '127.0.0.1',
    os_type: 'linux',
    platform: process.arch,
    multipath: false,
  };
  const request = { attachment: { volume_uuid: volume, mode, connector } };
  const { attachment } = Attachment.parse(await api.post('/attachments', request, signal));
  const connection = connectionOf(attachment.connection_info);
  if (connection !== undefined) return { id: attachment.id, connection };
  await api.delete(`/attachments/${attachment.id}`, signal);
  const kind = attachment.connection_info?.driver_volume_type ?? 'unknown';
  throw new UnsupportedError({
    code: 'CONNECTION_UNSUPPORTED',
    message: `Volume ${volume} is reached by "${kind}"; its bytes can be read and written by "rbd" and "local" alone`,
    hint: 'Clones work with every storage; for bytes name another store',
  });
}

function connectionOf(told: unknown): Connection | undefined {
  const rbd = Rbd.safeParse(told);
  if (rbd.success) {
    const { name, auth_username } = rbd.data;
    return { kind: 'rbd', image: name, user: auth_username ?? undefined };
  }
  const local = Local.safeParse(told);
  return local.success ? { kind: 'file', path: local.data.device_path } : undefined;
}
