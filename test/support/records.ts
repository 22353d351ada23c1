import { randomUUID } from 'node:crypto';
import type { FlowTask, ImportRecord, TaskRecord } from '../../core/engine/import.js';
import type { Image } from '../../core/image/image.js';
import type { Generation, Reservation } from '../../core/staging/generation.js';
import type { Location } from '../../core/store/location.js';

/** Milliseconds since 1970: the time of every record that a test does not date itself. */
const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

export function anImage(parts: Partial<Image> = {}): Image {
  return {
    id: randomUUID(),
    name: 'disk',
    status: 'queued',
    visibility: 'shared',
    owner: 'project',
    diskFormat: 'qcow2',
    containerFormat: 'bare',
    size: null,
    virtualSize: null,
    checksum: null,
    osHashAlgo: null,
    osHashValue: null,
    minDisk: 0,
    minRam: 0,
    protected: false,
    osHidden: false,
    tags: [],
    properties: {},
    createdAt: new Date(AT),
    updatedAt: new Date(AT),
    ...parts,
  };
}

export function anImport(imageId: string, parts: Partial<ImportRecord> = {}): ImportRecord {
  return {
    id: randomUUID(),
    imageId,
    method: 'glance-direct',
    params: {},
    stores: ['fast'],
    allStoresMustSucceed: true,
    data: 'new',
    state: 'pending',
    epoch: 1,
    caller: { userId: 'user', projectId: 'project', roles: ['member'] },
    requestId: 'req-1',
    flow: [aFlowTask()],
    userPatched: [],
    expectedDigest: null,
    idempotencyKey: null,
    cancel: null,
    failure: null,
    createdAt: new Date(AT),
    startedAt: null,
    finishedAt: null,
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
  return {
    importId,
    position: 0,
    entry: 'stage',
    plugin: 'stage',
    store: null,
    state: 'pending',
    attempt: 0,
    retries: 0,
    checkpoint: null,
    draft: null,
    output: null,
    virtualSize: null,
    reason: null,
    failure: null,
    progressDone: null,
    progressTotal: null,
    retryAt: null,
    startedAt: null,
    finishedAt: null,
    ...parts,
  };
}

export function aGeneration(imageId: string, parts: Partial<Generation> = {}): Generation {
  const id = parts.id ?? randomUUID();
  return {
    id,
    imageId,
    importId: null,
    number: 0,
    position: null,
    file: `${id}.1`,
    state: 'writing',
    epoch: 1,
    durable: 0,
    validator: null,
    size: null,
    allocatedSize: null,
    digests: null,
    inspection: null,
    createdAt: new Date(AT),
    readyAt: null,
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
