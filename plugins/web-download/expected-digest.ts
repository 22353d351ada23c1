import path from 'node:path';
import { PermanentError } from '../../core/api.js';
import type { Clock } from '../../core/api.js';
import { findChecksum } from './checksum-file.js';
import { parseChecksum } from './checksum.js';
import type { Checksum } from './checksum.js';
import { assertIdentity, statusError, withoutQuery } from './http-answer.js';
import type { Requests } from './requests.js';
import type { WebDownloadParams } from './web-download-params.js';

/** Bytes of a list of digests; those of whole distributions have some 100 KiB. */
const MAX_LIST = 1024 * 1024;

/**
 * The digest that the request wants: given, or named for the image's file in a list of digests.
 * @throws as {@link Requests.get}, {@link statusError} and {@link findChecksum}
 * @throws {PermanentError} `CHECKSUM_LIST_TOO_LARGE`
 */
export async function expectedDigest(
  { uri, checksum, checksum_url: list }: WebDownloadParams,
  requests: Requests,
  clock: Clock,
  signal: AbortSignal,
): Promise<Checksum | undefined> {
  if (checksum !== undefined) return parseChecksum(checksum);
  if (list === undefined) return undefined;
  return findChecksum(
    await fetchList(list, requests, clock, signal),
    fileName(uri),
    withoutQuery(list),
  );
}

async function fetchList(
  url: string,
  requests: Requests,
  clock: Clock,
  signal: AbortSignal,
): Promise<string> {
  const response = await requests.get(url, {}, signal);
  const { body } = response;
  try {
    if (response.status !== 200) throw statusError(response, clock.now());
    assertIdentity(response);
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of body as AsyncIterable<Uint8Array>) {
      size += piece.length;
      if (size > MAX_LIST) throw tooLarge(url);
      pieces.push(piece);
    }
    return Buffer.concat(pieces).toString('utf8');
  } finally {
    body.destroy();
  }
}

/** The last part of the path, as a list of digests writes it. */
function fileName(uri: string): string {
  const name = path.posix.basename(new URL(uri).pathname);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function tooLarge(url: string): PermanentError {
  return new PermanentError({
    code: 'CHECKSUM_LIST_TOO_LARGE',
    message: `The list of digests at ${withoutQuery(url)} has more than ${MAX_LIST / 1024 ** 2} MiB`,
    hint: 'Give the digest itself as "checksum"',
  });
}
