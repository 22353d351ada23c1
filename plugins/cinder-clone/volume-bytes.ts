import type { Readable } from 'node:stream';
import type { CinderApi } from './cinder/cinder-api.js';
import type { Volume, Volumes } from './cinder/volumes.js';
import { attach } from './connection/connection.js';
import type { ConnectedBytes } from './connection/connected-bytes.js';
import type { Attached, Connection } from './connection/connection.js';
import { Segments } from './connection/segments.js';
import { GIB, imageSize, isImageVolume } from './image-volume.js';

/** Reads and writes the bytes of volumes through Cinder's connections. */
export class VolumeBytes {
  /** One connection at a time for each volume: Cinder grants no second one. */
  readonly #connecting = new Map<string, Promise<unknown>>();

  constructor(
    private readonly api: CinderApi,
    private readonly volumes: Volumes,
    private readonly connected: ConnectedBytes,
    /** How Cinder's own list of attachments names this server. */
    private readonly host: string,
  ) {}

  /**
   * Writes a stream into a volume that is all zeros, or that holds the beginning of the same stream.
   * Where `size` is not known the volume grows with it. Answers how many bytes there were.
   */
  async write(
    { id, size: gibs }: Pick<Volume, 'id' | 'size'>,
    source: Readable,
    size: number | undefined,
    signal: AbortSignal,
  ): Promise<number> {
    const segments = new Segments(source, size, id, signal);
    let capacity = gibs * GIB;
    try {
      for await (const { bytes, offset } of segments.of(() => capacity)) {
        if (offset >= capacity) {
          capacity += GIB;
          await this.volumes.act(id, { 'os-extend': { new_size: capacity / GIB } }, signal);
          await this.volumes.available(id, signal);
        }
        await this.#writeInto(id, bytes, offset, signal);
      }
    } finally {
      source.destroy();
    }
    return segments.taken;
  }

  async open(volume: Volume, signal: AbortSignal): Promise<Readable> {
    const size = imageSize(volume);
    if (!isImageVolume(volume)) return this.#openHeld(volume, size, signal);
    // What is in an image volume does not change: many may read it, while Cinder connects one of them.
    const connection = await this.#alone(volume.id, async () => {
      const { id, connection: found } = await this.#attach(volume.id, 'ro', signal);
      await this.volumes.detach(id, never());
      return found;
    });
    return this.connected.read(connection, size, signal);
  }

  async #writeInto(
    id: string,
    bytes: AsyncIterable<Uint8Array>,
    offset: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { id: attachment, connection } = await this.#attach(id, 'rw', signal);
    try {
      await this.connected.write(connection, bytes, offset);
    } finally {
      await this.volumes.detach(attachment, never());
    }
    await this.volumes.available(id, signal);
  }

  /** Somebody's volume is connected as long as it is read, so that nobody writes to it meanwhile. */
  async #openHeld(volume: Volume, size: number, signal: AbortSignal): Promise<Readable> {
    const { id, connection } = await this.#attach(volume.id, 'ro', signal);
    const stream = await this.connected.read(connection, size, signal);
    stream.once('close', () => {
      // What is left is ended before the next reading of the volume.
      this.volumes.detach(id, never()).catch(() => undefined);
    });
    return stream;
  }

  /** A connection that an earlier life of this server has left is ended before. */
  async #attach(volume: string, mode: 'ro' | 'rw', signal: AbortSignal): Promise<Attached> {
    const { attachments } = await this.volumes.show(volume, signal);
    for (const { attachment_id, host_name } of attachments) {
      if (host_name === this.host && attachment_id !== undefined) {
        await this.volumes.detach(attachment_id, signal);
      }
    }
    return attach(this.api, volume, { host: this.host, mode, signal });
  }

  async #alone(volume: string, work: () => Promise<Connection>): Promise<Connection> {
    const before = this.#connecting.get(volume);
    const turn = (before ?? Promise.resolve()).catch(() => undefined).then(work);
    this.#connecting.set(volume, turn);
    try {
      return await turn;
    } finally {
      if (this.#connecting.get(volume) === turn) this.#connecting.delete(volume);
    }
  }
}

function never(): AbortSignal {
  return new AbortController().signal;
}
