import { createReadStream } from 'node:fs';
import { Transform } from 'node:stream';
import { PermanentError, failureError } from '../base/errors.js';
import type { StowageError } from '../base/errors.js';
import type { ApiClient } from './client.js';
import { followImport } from './follow.js';
import type { ServerEvent } from './event-stream.js';
import type { ImportSource } from './source.js';
import { taskRows } from './task-lines.js';
import type { Row } from './task-lines.js';
import { ImageResource, ImportList } from './wire.js';
import type { ImportResource } from './wire.js';

export interface ImportJob {
  readonly source: ImportSource;
  readonly name: string;
  readonly diskFormat: string;
  readonly containerFormat: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly stores: readonly string[];
  readonly allStores: boolean;
  /** `algorithm:hex` that the bytes must have. */
  readonly checksum: string | undefined;
  /** Somebody serves on after this import, so that it can be looked at and tried again. */
  readonly isServed: boolean;
}

export interface JobListener {
  imageCreated?(image: ImageResource): void;
  rows?(rows: readonly Row[]): void;
  importStarted?(started: ImportResource): void;
  event?(event: ServerEvent): void;
}

/** An import that was accepted: it goes on even when nobody follows it. */
export interface StartedJob {
  readonly image: ImageResource;
  readonly started: ImportResource;
  /**
   * Waits for the final state.
   * @throws {StowageError} `IMPORT_FAILED` with what the import failed with as its message
   */
  finished(): Promise<{ readonly image: ImageResource; readonly last: ImportResource }>;
}

/**
 * Creates an image, sends the file or names the URL, and begins the import. When that fails the
 * image is deleted again: nothing has become of it.
 */
export async function startJob(
  client: ApiClient,
  job: ImportJob,
  listener: JobListener,
  signal: AbortSignal,
): Promise<StartedJob> {
  const image = await client.json(ImageResource, '/v2/images', {
    method: 'POST',
    json: {
      name: job.name,
      disk_format: job.diskFormat,
      container_format: job.containerFormat,
      ...job.properties,
    },
    signal,
  });
  listener.imageCreated?.(image);
  const path = `/v2/images/${image.id}`;
  let uploaded: readonly Row[] = [];
  try {
    if (job.source.kind === 'file')
      uploaded = await stageFile(client, path, job.source, listener, signal);
    await client.send(`${path}/import`, { method: 'POST', json: importBody(job), signal });
  } catch (error) {
    await client.send(path, { method: 'DELETE' }).catch((failure: unknown) => {
      throw new AggregateError(
        [error, failure],
        `The image "${image.id}" is left over: ${String(error)}`,
      );
    });
    throw error;
  }
  const started = await newestImport(client, image.id);
  listener.importStarted?.(started);
  return {
    image,
    started,
    finished: async () => {
      const last = await followImport(
        client,
        started.id,
        {
          changed: (current) => listener.rows?.([...uploaded, ...taskRows(current)]),
          ...(listener.event === undefined ? {} : { event: listener.event.bind(listener) }),
        },
        signal,
      );
      if (last.state !== 'succeeded')
        throw importError(last, job.isServed ? inspectionHint(last) : []);
      return { image: await client.json(ImageResource, path, { signal }), last };
    },
  };
}

function importBody({ source, stores, allStores, checksum }: ImportJob): unknown {
  const method =
    source.kind === 'file' ? { name: 'glance-direct' } : { name: 'web-download', uri: source.url };
  return {
    method,
    ...(stores.length > 0 ? { stores } : {}),
    ...(allStores ? { all_stores: true } : {}),
    ...(checksum === undefined ? {} : { checksum }),
  };
}

async function newestImport(client: ApiClient, imageId: string): Promise<ImportResource> {
  const { imports } = await client.json(
    ImportList,
    `/stowage/v1/imports?image_id=${imageId}&limit=1`,
  );
  const [newest] = imports;
  if (newest === undefined) {
    throw new PermanentError({
      code: 'IMPORT_MISSING',
      message: `The server has accepted an import of image "${imageId}" and does not list it`,
      hint: 'See whether another import or a deletion of the image came between',
    });
  }
  return newest;
}

/** Sends the file to `PUT …/stage`; answers with the rows to show of it from then on. */
async function stageFile(
  client: ApiClient,
  path: string,
  { path: file, size }: ImportSource & { readonly kind: 'file' },
  listener: JobListener,
  signal: AbortSignal,
): Promise<readonly Row[]> {
  const began = Date.now();
  let done = 0;
  const row = (state: string): Row => {
    const seconds = (Date.now() - began) / 1000;
    const rate = seconds > 0 ? done / seconds : null;
    const eta = rate === null || rate === 0 ? null : (size - done) / rate;
    return { name: 'upload', state, progress: { done, total: size, rate, eta_seconds: eta } };
  };
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      done += chunk.length;
      listener.rows?.([row('running')]);
      callback(null, chunk);
    },
  });
  const input = createReadStream(file, { highWaterMark: 2 ** 20 });
  input.on('error', (error) => counter.destroy(error));
  counter.on('close', () => input.destroy());
  await client.send(`${path}/stage`, {
    method: 'PUT',
    bytes: { stream: input.pipe(counter), size },
    signal,
  });
  const rows = [{ ...row('succeeded'), tookMs: Date.now() - began }];
  listener.rows?.(rows);
  return rows;
}

/**
 * What an import that has not succeeded is reported as.
 * @param further sentences of advice beside the failure's own
 */
export function importError(
  { id, state, failure }: ImportResource,
  further: readonly string[],
): StowageError {
  const place = [failure?.task, failure?.store]
    .filter((part) => typeof part === 'string')
    .join(' → ');
  const reason =
    failure == null ? '' : `${place === '' ? '' : ` in task "${place}"`}: ${failure.message}`;
  const advice = [failure?.hint, ...further].filter((text) => typeof text === 'string');
  return failureError({
    class: failure?.class ?? 'cancelled',
    code: 'IMPORT_FAILED',
    message: `Import "${id}" ended as "${state}"${reason}`,
    ...(advice.length === 0 ? {} : { hint: advice.join('. ') }),
    ...(failure?.causes == null ? {} : { causes: failure.causes }),
  });
}

/** How to look at an import on its server, and to try it again where that may help. */
export function inspectionHint({ id, failure }: ImportResource): readonly string[] {
  const isRefused = failure?.class === 'rejected' || failure?.class === 'integrity';
  return [
    `See: stowage imports show ${id}`,
    ...(isRefused ? [] : [`To try again: stowage imports retry ${id}`]),
  ];
}
