import { access, link, open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { ConflictError, systemCode } from '../../core/api.js';

/** Links where nothing is; finding the same file there already is success. */
export async function linkOnce(file: string, target: string): Promise<void> {
  try {
    await link(file, target);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    const [ours, theirs] = await Promise.all([stat(file), stat(target)]);
    if (ours.ino === theirs.ino && ours.dev === theirs.dev) return;
    throw new ConflictError({
      code: 'OBJECT_EXISTS',
      message: `The object "${path.basename(target)}" exists already`,
      hint: 'Names of objects are never used twice',
      cause: error,
    });
  }
}

/** Closes a file after work with it. */
export async function withFile(file: FileHandle, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } finally {
    await file.close();
  }
}

/** Ends a reading between two chunks, and a wait for the next one too. */
export async function* abortable(source: Readable, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const abort = (): void => void source.destroy(reasonOf(signal));
  signal.throwIfAborted();
  signal.addEventListener('abort', abort, { once: true });
  try {
    for await (const chunk of source as AsyncIterable<Uint8Array>) yield chunk;
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Error('Aborted');
}

/** Whether the directory, or a file that was to be made in it, was not found. */
export function isMissingIn(directory: string, error: unknown): boolean {
  if (systemCode(error) !== 'ENOENT') return false;
  const { path: file, dest } = error as { readonly path?: unknown; readonly dest?: unknown };
  return [file, dest].some((place) => typeof place === 'string' && place.startsWith(directory));
}

/** Makes what was created in or removed from a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  await withFile(handle, () => handle.sync());
}

/** Whether there is a file that can be reached. */
export async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** For `catch`: some system errors say that the work is done already. */
export function ignore(...codes: readonly string[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes(systemCode(error) ?? '')) throw error;
    return undefined;
  };
}
