import { PermanentError, TransientError, z } from '../../../core/api.js';
import type { Clock } from '../../../core/api.js';
import { CinderApi, refusedWith } from './cinder-api.js';

/** Milliseconds between two looks at a volume: at first, and at most. */
const FIRST_LOOK_MS = 50;
const LAST_LOOK_MS = 2_000;

/** Volumes that one answer lists. */
const PAGE = 500;

/** How long, and how often, a create is looked for whose answer was lost. */
const LOST_LOOKS = 3;
const LOST_LOOK_MS = 500;

const Volume = z.looseObject({
  id: z.string(),
  name: z.string().nullable(),
  status: z.string(),
  size: z.int().min(0),
  volume_type: z.string().nullable().optional(),
  encrypted: z.boolean().default(false),
  metadata: z.record(z.string(), z.string()).default({}),
  created_at: z.string().default(''),
  attachments: z
    .array(z.looseObject({ attachment_id: z.string().optional(), host_name: z.string().nullish() }))
    .default([]),
  'os-vol-tenant-attr:tenant_id': z.string().optional(),
});
export type Volume = z.output<typeof Volume>;

const Snapshot = z.looseObject({
  id: z.string(),
  status: z.string(),
  size: z.int().min(0),
  volume_id: z.string(),
  'os-extended-snapshot-attributes:project_id': z.string().optional(),
});
export type Snapshot = z.output<typeof Snapshot>;

const VolumeType = z.looseObject({
  id: z.string(),
  name: z.string(),
  'os-volume-type-access:is_public': z.boolean().optional(),
});

const TypeAccess = z.looseObject({
  volume_type_access: z.array(z.looseObject({ project_id: z.string() })),
});

const Transfer = z.looseObject({
  id: z.string(),
  volume_id: z.string(),
  auth_key: z.string().nullish(),
});

const Messages = z.looseObject({
  messages: z.array(z.looseObject({ user_message: z.string() })).default([]),
});

/** What is asked of Cinder for a new volume. */
export interface VolumeRequest {
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** GiB; the source's where there is one. */
  readonly size?: number;
  readonly source_volid?: string;
  readonly snapshot_id?: string;
  readonly volume_type?: string;
  readonly availability_zone?: string;
}

/** Volumes of one Cinder. */
export class Volumes {
  constructor(
    private readonly api: CinderApi,
    private readonly clock: Clock,
    /** Milliseconds for a volume to reach the state that it is to reach. */
    private readonly patience: number,
  ) {}

  async show(id: string, signal: AbortSignal): Promise<Volume> {
    const body = await this.api.get(`/volumes/${id}`, signal);
    return z.object({ volume: Volume }).parse(body).volume;
  }

  async snapshot(id: string, signal: AbortSignal): Promise<Snapshot> {
    const body = await this.api.get(`/snapshots/${id}`, signal);
    return z.object({ snapshot: Snapshot }).parse(body).snapshot;
  }

  /** Those of a name with this metadata, of every project. */
  async find(
    name: string,
    key: string,
    value: string,
    signal: AbortSignal,
  ): Promise<readonly Volume[]> {
    const query = `all_tenants=1&name=${encodeURIComponent(name)}`;
    const body = await this.api.get(`/volumes/detail?${query}`, signal);
    const { volumes } = z.object({ volumes: z.array(Volume) }).parse(body);
    return volumes.filter(({ metadata }) => metadata[key] === value);
  }

  /** Those of the account's own project. */
  async *own(signal: AbortSignal): AsyncGenerator<Volume> {
    for (let marker = ''; ;) {
      const from = marker === '' ? '' : `&marker=${marker}`;
      const body = await this.api.get(`/volumes/detail?limit=${PAGE}${from}`, signal);
      const { volumes } = z.object({ volumes: z.array(Volume) }).parse(body);
      yield* volumes;
      const last = volumes.at(-1);
      if (last === undefined || volumes.length < PAGE) return;
      marker = last.id;
    }
  }

  /** Those with this metadata, of every project. */
  async findBy(key: string, value: string, signal: AbortSignal): Promise<readonly Volume[]> {
    const query = `all_tenants=1&metadata=${encodeURIComponent(`{'${key}': '${value}'}`)}`;
    const body = await this.api.get(`/volumes/detail?${query}`, signal);
    return z.object({ volumes: z.array(Volume) }).parse(body).volumes;
  }

  /** Whether there is a type of this name or id, and a project may use it. */
  async mayUseType(type: string, project: string, signal: AbortSignal): Promise<boolean> {
    const body = await this.api.get('/types?is_public=None', signal);
    const { volume_types } = z.object({ volume_types: z.array(VolumeType) }).parse(body);
    const found = volume_types.find(({ id, name }) => id === type || name === type);
    if (found === undefined) return false;
    if (found['os-volume-type-access:is_public'] !== false) return true;
    const access = await this.api.get(`/types/${found.id}/os-volume-type-access`, signal);
    const { volume_type_access } = TypeAccess.parse(access);
    return volume_type_access.some(({ project_id }) => project_id === project);
  }

  /** Offers a volume to whoever has the key. */
  async offer(volume_id: string, signal: AbortSignal): Promise<{ id: string; key: string }> {
    const json = { transfer: { volume_id, name: `volume ${volume_id}` } };
    const body = await this.api.post('/os-volume-transfer', json, signal);
    const { transfer } = z.object({ transfer: Transfer }).parse(body);
    return { id: transfer.id, key: transfer.auth_key ?? '' };
  }

  /** Takes offers of a volume back; it is `available` then. */
  async withdraw(volume: string, signal: AbortSignal): Promise<void> {
    const body = await this.api.get('/os-volume-transfer/detail?all_tenants=1', signal);
    const { transfers } = z.object({ transfers: z.array(Transfer) }).parse(body);
    for (const { id, volume_id } of transfers) {
      if (volume_id === volume) await this.api.delete(`/os-volume-transfer/${id}`, signal);
    }
  }

  /**
   * Makes a volume, and never a second one: where the answer is lost it is found by its name and by the
   * metadata `key`, whose value no other volume has.
   */
  async create(request: VolumeRequest, key: string, signal: AbortSignal): Promise<Volume> {
    signal.throwIfAborted();
    try {
      // Its end is waited for, whoever has given up meanwhile: a request that is let go may be carried
      // out after its volume was looked for, to be removed.
      const body = await this.api.post(
        '/volumes',
        { volume: request },
        new AbortController().signal,
      );
      signal.throwIfAborted();
      return z.object({ volume: Volume }).parse(body).volume;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TransientError)) throw error;
      for (let look = 0; look < LOST_LOOKS; look += 1) {
        const found = await this.find(request.name, key, request.metadata[key] ?? '', signal).catch(
          // The same outage; there are more looks to come.
          () => [],
        );
        if (found[0] !== undefined) return found[0];
        await this.clock.sleep(LOST_LOOK_MS, signal);
      }
      throw error;
    }
  }

  /**
   * Waits for a volume to be `available`.
   * @throws {PermanentError} `VOLUME_FAILED` with Cinder's reason; {TransientError} `CINDER_SLOW`
   */
  available(id: string, signal: AbortSignal): Promise<Volume> {
    return this.#until(id, signal, async () => {
      const volume = await this.show(id, signal);
      if (volume.status.startsWith('error')) throw await this.#failed(volume, signal);
      return volume.status === 'available' ? volume : undefined;
    });
  }

  /** Removes a volume and waits until it is gone; succeeds where it is. Its attachments go before. */
  async remove(id: string, signal: AbortSignal): Promise<void> {
    try {
      const { attachments } = await this.show(id, signal);
      for (const { attachment_id } of attachments) {
        if (attachment_id !== undefined) await this.detach(attachment_id, signal);
      }
      await this.api.delete(`/volumes/${id}`, signal);
      await this.#until(id, signal, async () => {
        const { status } = await this.show(id, signal);
        if (status === 'error_deleting') throw await this.#failed({ id, status }, signal);
        return undefined;
      });
    } catch (error) {
      if (refusedWith(error, 404)) return;
      if (!refusedWith(error, 400)) throw error;
      throw new TransientError({
        code: 'OBJECT_IN_USE',
        message: `Volume ${id} cannot be removed now`,
        hint: 'It is tried again by itself; somebody may be using the volume or have a snapshot of it',
        cause: error,
      });
    }
  }

  /** Runs an action, for example `os-extend`. */
  async act(
    id: string,
    action: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<void> {
    await this.api.post(`/volumes/${id}/action`, action, signal);
  }

  async describe(
    id: string,
    metadata: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<void> {
    await this.api.post(`/volumes/${id}/metadata`, { metadata }, signal);
  }

  async detach(attachment: string, signal: AbortSignal): Promise<void> {
    await this.api.delete(`/attachments/${attachment}`, signal).catch((error: unknown) => {
      if (!refusedWith(error, 404)) throw error;
    });
  }

  async #until<T>(id: string, signal: AbortSignal, look: () => Promise<T | undefined>): Promise<T> {
    const end = this.clock.now().getTime() + this.patience;
    for (let pause = FIRST_LOOK_MS; this.clock.now().getTime() < end; pause *= 2) {
      const seen = await look();
      if (seen !== undefined) return seen;
      await this.clock.sleep(Math.min(pause, LAST_LOOK_MS), signal);
    }
    throw new TransientError({
      code: 'CINDER_SLOW',
      message: `Volume ${id} has not become ready in ${this.patience / 1000} s`,
      hint: 'See the logs of cinder-scheduler and cinder-volume',
    });
  }

  /** The reason of an `error` state stands in the messages for users alone. */
  async #failed(
    { id, status }: Pick<Volume, 'id' | 'status'>,
    signal: AbortSignal,
  ): Promise<PermanentError> {
    const told = Messages.safeParse(
      await this.api.get(`/messages?resource_uuid=${id}`, signal).catch(() => undefined),
    );
    const reason = told.success ? told.data.messages[0]?.user_message : undefined;
    return new PermanentError({
      code: 'VOLUME_FAILED',
      message: `Volume ${id} is "${status}": ${reason ?? 'Cinder tells no reason'}`,
      hint: 'The operator finds more in the logs of cinder-scheduler and cinder-volume',
    });
  }
}
