import type { Readable } from 'node:stream';
import { ConflictError, IntegrityError } from '../../base/errors.js';
import type {
  DataSource,
  DiskSource,
  RegisteredSource,
  StreamSource,
} from '../../plugin/contract/source.js';
import type { ByteObserver } from '../../plugin/contract/task.js';
import type { DataView } from '../../plugin/contract/view.js';
import type { Generation } from '../../staging/generation.js';
import { openContinued } from '../bytes/continued-stream.js';
import type { IncomingOwner } from '../bytes/generation-rows.js';
import type { Incoming, Watching } from '../bytes/incoming.js';
import type { Placement } from '../bytes/placement.js';
import { dataView } from '../flow/view.js';
import type { Attempt } from './attempt.js';

/** Milliseconds that a source may stand still unless the method says otherwise. */
const SOURCE_IDLE_TIMEOUT = 60_000;

/** The bytes of an import as one attempt of a task finds them, and the generation that it makes. */
export class TaskBytes {
  constructor(
    private readonly of: Attempt,
    private readonly incoming: Incoming,
    private readonly placement: Placement,
  ) {}

  /** @throws {ConflictError} `NO_DATA` where the import holds no bytes yet */
  generation(): Generation {
    if (this.of.generation !== undefined) return this.of.generation;
    throw new ConflictError({
      code: 'NO_DATA',
      message: `Import ${this.of.record.id} holds no bytes at this point`,
      hint: 'Skip the task when `view.data` is undefined',
    });
  }

  /** As `TaskContext.stage`. */
  async stage(source: DataSource): Promise<DataView | undefined> {
    switch (source.kind) {
      case 'location':
        return undefined;
      case 'registered':
        return this.#judge(source);
      case 'clone': {
        const { store, origin } = source;
        const { view, signal } = this.of;
        const { url } = await this.placement.examine(store, origin, { image: view.image, signal });
        return this.#judge({ kind: 'registered', store, url });
      }
      case 'staged': {
        const generation = this.generation();
        await this.#checkExpectedDigest(generation);
        return dataView(generation);
      }
      case 'disk':
        return this.#unpack(source);
      case 'stream':
        return this.#receive(source);
    }
  }

  async #receive(source: StreamSource): Promise<DataView> {
    const { size, expectedDigests = {} } = source;
    const owner = this.#owner();
    // What the client has announced is the digest of what it sends.
    const announced = owner.number === 0 ? this.of.record.expectedDigest : null;
    const generation = await this.incoming.receive(
      owner,
      {
        size,
        sparse: source.sparse ?? false,
        validator: source.validator,
        resumable: source.resumable,
        idleTimeoutMs: source.idleTimeoutMs ?? SOURCE_IDLE_TIMEOUT,
        open: (offset) => this.#open(source, offset),
      },
      this.#watching(size, [
        ...Object.keys(expectedDigests),
        ...(announced === null ? [] : [announced.algorithm]),
      ]),
    );
    assertDigests(generation, expectedDigests);
    if (announced !== null) await this.#checkExpectedDigest(generation);
    return dataView(generation);
  }

  async #unpack({ disk }: DiskSource): Promise<DataView> {
    try {
      const generation = await this.incoming.receive(
        this.#owner(),
        {
          size: disk.size,
          sparse: true,
          validator: undefined,
          resumable: false,
          idleTimeoutMs: SOURCE_IDLE_TIMEOUT,
          disk,
        },
        this.#watching(disk.size, []),
      );
      return dataView(generation);
    } finally {
      // The pass has said how that went; here it is for a disk that none has come to.
      await disk.close().catch(() => undefined);
    }
  }

  /** Reads what a store holds already, as if it came in. */
  async #judge({ store, url, expectedDigests = {} }: RegisteredSource): Promise<DataView> {
    const { size } = await this.placement.stat(store, url);
    const generation = await this.incoming.receive(
      this.#owner(),
      {
        size,
        sparse: false,
        validator: undefined,
        resumable: false,
        idleTimeoutMs: SOURCE_IDLE_TIMEOUT,
        open: () => this.placement.open(store, url, this.of.signal),
      },
      this.#watching(size, Object.keys(expectedDigests)),
    );
    assertDigests(generation, expectedDigests);
    return dataView(generation);
  }

  #open(source: StreamSource, offset: number): Promise<Readable> {
    const open = (from: number): Promise<Readable> => source.open(from, this.of.signal);
    if (!source.resumable || source.validator === undefined) return open(offset);
    return openContinued(open, offset, {
      size: source.size,
      onContinue: (position, reason) => {
        this.of.log.info('The source broke off; going on behind its last byte', {
          position,
          reason: reason.message,
        });
      },
    });
  }

  /** As `TaskContext.adopt`. */
  async adopt(file: string): Promise<DataView> {
    const generation = await this.incoming.adopt(
      this.#owner(),
      file,
      this.#watching(undefined, []),
    );
    return dataView(generation);
  }

  /** Of the generation that this task makes. */
  #owner(): IncomingOwner {
    const { record, row, generation } = this.of;
    const number = (generation?.number ?? -1) + 1;
    return {
      ...{ imageId: record.imageId, importId: record.id, position: row.position, number },
      need: (data) => this.of.needOf(data),
    };
  }

  /** The digest that the client has announced; one that is not known yet is worth a reading. */
  async #checkExpectedDigest(generation: Generation): Promise<void> {
    const expected = this.of.record.expectedDigest;
    if (expected === null) return;
    const { algorithm, value } = expected;
    if (generation.digests?.[algorithm] !== undefined) {
      assertDigest(generation, algorithm, value);
      return;
    }
    const { digests } = await this.incoming.reread(generation, {
      observers: new Map(),
      digests: [algorithm],
      signal: this.of.signal,
      onObserverError: () => undefined,
    });
    assertDigest({ ...generation, digests }, algorithm, value);
  }

  #watching(expectedSize: number | undefined, digests: readonly string[]): Watching {
    const observers = new Map<string, ByteObserver>();
    for (const { task, observerKey } of this.of.successors) {
      const observer = task.observe?.({ expectedSize, image: this.of.view.image });
      if (observer !== undefined) observers.set(observerKey, observer);
    }
    return {
      observers,
      digests,
      signal: this.of.signal,
      onProgress: (done, total) => {
        this.of.meter.update(done, total);
      },
      onObserverError: (key, error) => {
        this.of.log.warn('An observer failed; it will be shown the bytes again', {
          observer: key,
          error: String(error),
        });
      },
    };
  }
}

function assertDigests(generation: Generation, expected: Readonly<Record<string, string>>): void {
  for (const [algorithm, value] of Object.entries(expected)) {
    assertDigest(generation, algorithm, value);
  }
}

function assertDigest(generation: Generation, algorithm: string, value: string): void {
  const found = generation.digests?.[algorithm];
  if (found === value.toLowerCase()) return;
  throw new IntegrityError({
    code: 'CHECKSUM_MISMATCH',
    message: `The ${algorithm} of the data is "${found ?? 'unknown'}", expected "${value}"`,
    hint: 'Check the digest that you gave, or send the right file',
    details: { algorithm, found: found ?? null, expected: value },
  });
}
