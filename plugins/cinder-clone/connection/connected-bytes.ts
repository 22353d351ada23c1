import type { Readable } from 'node:stream';
import type { Programs } from '../../../core/api.js';
import type { CinderConfig } from '../cinder-config.js';
import type { Connection } from './connection.js';
import { FileBytes } from './file-bytes.js';
import { RbdBytes } from './rbd-bytes.js';

/** The bytes of a volume, whichever way it is connected. */
export class ConnectedBytes {
  readonly #rbd: RbdBytes;
  readonly #files: FileBytes;

  constructor({ ceph, files }: Pick<CinderConfig, 'ceph' | 'files'>, programs: Programs) {
    this.#rbd = new RbdBytes(ceph, programs);
    this.#files = new FileBytes(files);
  }

  /** The first `size` bytes of a volume. */
  async read(connection: Connection, size: number, signal: AbortSignal): Promise<Readable> {
    return connection.kind === 'rbd'
      ? this.#rbd.read(connection, size, signal)
      : this.#files.read(connection, size, signal);
  }

  /** Writes bytes into a volume that is all zeros from `offset` on. */
  write(connection: Connection, source: AsyncIterable<Uint8Array>, offset: number): Promise<void> {
    return connection.kind === 'rbd'
      ? this.#rbd.write(connection, source, offset)
      : this.#files.write(connection, source, offset);
  }
}
