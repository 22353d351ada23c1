import { randomUUID } from 'node:crypto';
import type { ImportRecord, TaskRecord } from '../engine/import.js';
import { newImport, newTask } from '../engine/new-import.js';
import type { Database, Reader, Transaction } from '../engine/ports.js';
import type { Image } from '../image/image.js';
import { queuedImage } from '../image/queued-image.js';
import { newGeneration } from '../staging/generation.js';
import type { Generation, Reservation } from '../staging/generation.js';
import type { Location } from '../store/location.js';

/** Carries the rehearsal out of its transaction, which is undone. */
class Over extends Error {}

/**
 * Writes and reads what an import does to the database, and undoes it. A database that does not take
 * it is found before anybody is told that the server serves; and the first import after a restart does
 * not wait for statements that are prepared, and code that is compiled, at their first use.
 * @throws as `Database.write` does
 */
export async function rehearse(database: Database, at: Date): Promise<void> {
  try {
    await database.write(async (tx) => {
      await rehearseImport(tx, at);
      throw new Over();
    });
  } catch (error) {
    if (!(error instanceof Over)) throw error;
  }
  const id = randomUUID();
  await readAll(database.read, { imageId: id, importId: id, generationId: id });
}

interface Ids {
  readonly imageId: string;
  readonly importId: string;
  readonly generationId: string;
}

async function rehearseImport(tx: Transaction, at: Date): Promise<void> {
  const epoch = await tx.startEpoch(at, { pid: process.pid, host: '' });
  const image: Image = {
    ...queuedImage(randomUUID(), null, at),
    diskFormat: 'raw',
    containerFormat: 'bare',
    properties: { rehearsal: '' },
  };
  const record = importOf(image, epoch, at);
  const generation = generationOf(image, epoch, at);
  const ids = { imageId: image.id, importId: record.id, generationId: generation.id };

  await tx.insertImage(image);
  await tx.insertGeneration(generation);
  await tx.insertReservation(reservationOf(generation));
  await tx.updateReservation(generation.id, { bytes: 0, need: 0 });
  await tx.updateGeneration(generation.id, { state: ['writing'] }, wholeGeneration(at));
  await tx.saveObservation(generation.id, 'rehearsal', {});
  await tx.insertImport(record, [taskOf(record)]);
  await tx.updateImage(image.id, { status: ['queued'] }, { status: 'importing' }, at);
  await tx.assignGeneration(generation.id, record.id);
  await tx.updateImport(
    record.id,
    { state: ['pending'], epoch },
    { state: 'running', startedAt: at },
  );
  await rehearseTask(tx, record, at);
  await readAll(tx, ids);
  await tx.insertLocation(locationOf(record, at));
  await tx.updateLocation(
    record.id,
    { state: ['pending'] },
    { state: 'placed', url: '', metadata: {} },
  );
  await readAll(tx, ids);
  await activate(tx, ids, epoch, at);
}

async function rehearseTask(tx: Transaction, { id }: ImportRecord, at: Date): Promise<void> {
  const started = { attempt: 1, reason: null, retryAt: null, startedAt: at } as const;
  await tx.updateTask(id, 0, { state: ['pending'] }, { ...started, state: 'running' });
  await tx.updateTask(
    id,
    0,
    { state: ['running'] },
    {
      state: 'succeeded',
      draft: { properties: { rehearsal: '' } },
      output: {},
      virtualSize: 0,
      size: null,
      failure: null,
      finishedAt: at,
    },
  );
  await tx.appendEvent(id, at, 'task.succeeded', {});
}

async function activate(
  tx: Transaction,
  { imageId, importId, generationId }: Ids,
  epoch: number,
  at: Date,
): Promise<void> {
  const data = { size: 0, virtualSize: 0, checksum: '', osHashAlgo: '', osHashValue: '' };
  const change = { ...data, properties: { rehearsal: '' }, status: 'active' } as const;
  await tx.updateImage(imageId, { status: ['importing', 'saving'] }, change, at);
  const over = { state: 'succeeded', finishedAt: at } as const;
  await tx.updateImport(importId, { state: ['running'], epoch }, over);
  await tx.updateLocation(importId, { state: ['placed'] }, { state: 'active' });
  const states = ['writing', 'ready'] as const;
  await tx.updateGeneration(generationId, { state: states }, { state: 'releasing' });
  await tx.deleteReservations({ importId, purpose: 'workspace' });
  await tx.deleteGeneration(generationId);
}

async function readAll(reader: Reader, { imageId, importId, generationId }: Ids): Promise<void> {
  await reader.image(imageId);
  await reader.imageEvenDeleted(imageId);
  await reader.import(importId);
  await reader.liveImport(imageId);
  await reader.tasks(importId);
  await reader.events(importId, 0, 1);
  await reader.generations({ importId });
  await reader.generations({ imageId, importId: null, states: ['ready'] });
  await reader.observations(generationId);
  await reader.reservations();
  await reader.reservedBytes();
  await reader.locations({ importId });
  await reader.locations({ imageId, states: ['active'] });
  await reader.locations({ importId, store: '', states: ['placed'] });
}

function importOf(image: Image, epoch: number, at: Date): ImportRecord {
  const retry = { attempts: 1, backoffMs: 0, maxBackoffMs: 0 };
  const judged = { replacesData: false, judgesData: false, timeoutMs: 0, concurrency: 1, retry };
  return newImport({
    id: randomUUID(),
    imageId: image.id,
    method: '',
    params: {},
    stores: [''],
    allStoresMustSucceed: true,
    data: 'new',
    epoch,
    caller: { userId: null, projectId: null, roles: [] },
    requestId: '',
    flow: [{ entry: '', plugin: '', config: {}, ...judged }],
    expectedDigest: null,
    idempotencyKey: null,
    createdAt: at,
  });
}

function taskOf(record: ImportRecord): TaskRecord {
  return newTask(record.id, 0, { entry: '', plugin: '' });
}

function generationOf(image: Image, epoch: number, createdAt: Date): Generation {
  const owner = { imageId: image.id, importId: null, number: 0, position: null };
  return newGeneration(randomUUID(), owner, { epoch, createdAt });
}

function wholeGeneration(readyAt: Date): Parameters<Transaction['updateGeneration']>[2] {
  return {
    state: 'ready',
    size: 0,
    allocatedSize: 0,
    digests: { md5: '' },
    inspection: { format: 'raw', size: 0, safe: true, findings: [], metadata: {} },
    readyAt,
  };
}

function reservationOf({ id, imageId }: Generation): Reservation {
  const purpose = 'data';
  return { id, purpose, imageId, importId: null, generationId: id, bytes: 0, need: null };
}

function locationOf({ id, imageId, epoch }: ImportRecord, createdAt: Date): Location {
  return {
    id,
    imageId,
    store: '',
    objectName: id,
    url: null,
    state: 'pending',
    importId: id,
    epoch,
    metadata: {},
    linkedGeneration: null,
    createdAt,
  };
}
