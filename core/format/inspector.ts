import { open } from 'node:fs/promises';
import { InvalidInputError } from '../base/errors.js';
import { FORMATS } from './formats.js';
import type { Inspection, StreamInspector } from './inspection.js';
import { StreamInspection } from './stream-inspection.js';

// This folder tells what a stream of bytes is and whether it is safe to hand to programs that parse
// images. Each format has one inspector, a generator that asks for pieces of the stream (frame.ts);
// a session feeds it as the bytes pass (session.ts); combine.ts makes one inspection of all the
// verdicts. Nothing here opens an image by another program or follows a reference that an image
// makes. Invariants: no input makes an inspector throw; memory is bounded; the result does not
// depend on how the stream is cut into chunks; no finding is of a rule that rules.ts does not list.

const READ_LENGTH = 1024 * 1024;

export type InspectorOptions = {
  /** Names of rules whose findings do not make an image unsafe; see `RULES`. */
  readonly relaxedRules?: ReadonlySet<string>;
  /**
   * Highest virtual size in bytes; the limits of the formats hold besides.
   * @default 2^53 - 1, the highest number that JSON carries exactly
   */
  readonly maxVirtualSize?: number;
};

/** Starts an inspection of one stream by all formats at once. */
export function createInspector(options: InspectorOptions = {}): StreamInspector {
  return new StreamInspection(FORMATS, {
    relaxedRules: options.relaxedRules ?? new Set(),
    maxVirtualSize: options.maxVirtualSize ?? Number.MAX_SAFE_INTEGER,
  });
}

/**
 * Inspects a file or block device by reading it once from first to last byte.
 *
 * @throws {InvalidInputError} NOT_A_FILE when `path` is a folder, a pipe or another thing that does
 * not end; the system's own error when it cannot be opened or read; the reason of `signal`.
 */
export async function inspectFile(
  path: string,
  signal?: AbortSignal,
  options: InspectorOptions = {},
): Promise<Inspection> {
  signal?.throwIfAborted();
  const file = await open(path, 'r');
  try {
    const stat = await file.stat();
    if (!stat.isFile() && !stat.isBlockDevice()) {
      throw new InvalidInputError({
        code: 'NOT_A_FILE',
        message: `Cannot inspect "${path}": it is neither a file nor a block device`,
        hint: 'Give the path of an image file',
      });
    }
    const inspector = createInspector(options);
    const buffer = new Uint8Array(READ_LENGTH);
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return inspector.finish();
      inspector.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}
