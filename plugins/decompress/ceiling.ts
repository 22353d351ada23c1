import { RejectedError } from '../../core/api.js';
import type { DecompressConfig } from './decompress-config.js';

/** What may come of a container at most. */
export interface Ceiling {
  readonly bytes: number;
  /** The setting that says so. */
  readonly setting: 'max_size' | 'max_ratio';
}

export function ceilingOf(config: DecompressConfig, packedSize: number): Ceiling {
  const byRatio = Math.max(config.ratio_from, config.max_ratio * packedSize);
  return byRatio < config.max_size
    ? { bytes: byRatio, setting: 'max_ratio' }
    : { bytes: config.max_size, setting: 'max_size' };
}

/** What a container says of what it holds; where it says it, that must be true. */
export interface Promised {
  readonly size?: number;
}

/**
 * Passes on what comes out of a container.
 * @throws {RejectedError} `UNPACKED_TOO_LARGE`
 */
export async function* within(
  bytes: AsyncIterable<Buffer>,
  ceiling: Ceiling,
): AsyncGenerator<Buffer> {
  let passed = 0;
  for await (const chunk of bytes) {
    passed += chunk.length;
    checkSize(passed, ceiling);
    yield chunk;
  }
}

/**
 * Passes on what a container holds, if it is as much as the container says.
 * @throws {RejectedError} `CONTAINER_DAMAGED`
 */
export async function* asPromised(
  bytes: AsyncIterable<Buffer>,
  { size }: Promised,
): AsyncGenerator<Buffer> {
  let passed = 0;
  for await (const chunk of bytes) {
    passed += chunk.length;
    if (size !== undefined && passed > size) throw otherSize(size, `more than ${size}`);
    yield chunk;
  }
  if (size !== undefined && passed !== size) throw otherSize(size, `${passed}`);
}

/** @throws {RejectedError} `UNPACKED_TOO_LARGE` */
export function checkSize(size: number, { bytes, setting }: Ceiling): void {
  if (size <= bytes) return;
  throw new RejectedError({
    code: 'UNPACKED_TOO_LARGE',
    message: `The container holds ${size} bytes or more, allowed are ${bytes} by "${setting}"`,
    hint: `Send the image unpacked, or ask the operator to raise "${setting}" of decompress`,
    details: { limit: bytes, setting },
  });
}

function otherSize(told: number, found: string): RejectedError {
  return damaged(`it says that it holds ${told} bytes, and holds ${found}`);
}

export function damaged(reason: string, cause?: unknown): RejectedError {
  return new RejectedError({
    code: 'CONTAINER_DAMAGED',
    message: `The container cannot be unpacked: ${reason}`,
    hint: 'The file is damaged or incomplete; pack it anew and send it again',
    ...(cause === undefined ? {} : { cause }),
  });
}
