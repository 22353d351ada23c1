import { randomUUID } from 'node:crypto';
import type { FlowTask, ImportRecord, TaskRecord } from '../../core/engine/import.js';
import { newImport, newTask } from '../../core/engine/new-import.js';
import type { Image } from '../../core/image/image.js';
import { queuedImage } from '../../core/image/queued-image.js';
import { newGeneration } from '../../core/staging/generation.js';
import type { Generation, Reservation } from '../../core/staging/generation.js';
import type { Location } from '../../core/store/location.js';

/** Milliseconds since 1970: the time of every record that a test does not date itself. */
const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

export function anImage(parts: Partial<Image> = {}): Image {
  return {
    ...queuedImage(randomUUID(), 'project', new Date(AT)),
    name: 'disk',
    diskFormat: 'qcow2',
    containerFormat: 'bare',
    ...parts,
  };
}

export function anImport(imageId: string, parts: Partial<ImportRecord> = {}): ImportRecord {
  return {
    ...newImport({
      id: randomUUID(),
      imageId,
      method: 'glance-direct',
      params: {},
      stores: ['fast'],
      allStoresMustSucceed: true,
      data: 'new',
      epoch: 1,
      caller: { userId: 'user', projectId: 'project', roles: ['member'] },
      requestId: 'req-1',
      flow: [aFlowTask()],
      expectedDigest: null,
      idempotencyKey: null,
      createdAt: new Date(AT),
    }),
    ...parts,
  };
}

export function aFlowTask(parts: Partial<FlowTask> = {}): FlowTask {
  return {
    entry: 'stage',
    plugin: 'stage',
    config: {},
    replacesData: false,
    judgesData: false,
    timeoutMs: 60_000,
    concurrency: 1,
    retry: { attempts: 3, backoffMs: 100, maxBackoffMs: 1_000 },
    ...parts,
  };
}

export function aTask(importId: string, parts: Partial<TaskRecord> = {}): TaskRecord {
  return { ...newTask(importId, parts.position ?? 0, aFlowTask()), ...parts };
}

export function aGeneration(imageId: string, parts: Partial<Generation> = {}): Generation {
  const owner = { imageId, importId: null, number: 0, position: null };
  return {
    ...newGeneration(parts.id ?? randomUUID(), owner, { epoch: 1, createdAt: new Date(AT) }),
    ...parts,
  };
}

export function aReservation(imageId: string, parts: Partial<Reservation> = {}): Reservation {
  return {
    id: randomUUID(),
    purpose: 'data',
    imageId,
    importId: null,
    generationId: null,
    bytes: 1024,
    need: null,
    ...parts,
  };
}

export function aLocation(imageId: string, parts: Partial<Location> = {}): Location {
  const id = parts.id ?? randomUUID();
  return {
    id,
    imageId,
    store: 'fast',
    objectName: `${imageId}/${id}`,
    url: null,
    state: 'pending',
    importId: null,
    epoch: 1,
    metadata: {},
    linkedGeneration: null,
    createdAt: new Date(AT),
    ...parts,
  };
}
