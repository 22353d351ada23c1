import type { Json } from '../base/json.js';
import type { ImportEvent, ImportOutcome, ImportRecord, TaskRecord } from '../engine/import.js';
import type {
  EndedImportsQuery,
  GenerationQuery,
  ImageVolumeQuery,
  ImportQuery,
  LocationQuery,
  Reader,
} from '../engine/ports.js';
import type { Image } from '../image/image.js';
import type { ImageMember } from '../image/member.js';
import type { ImageQuery } from '../image/query.js';
import type { ImageVolume } from '../engine/image-volume.js';
import type { Notification } from '../engine/notification.js';
import type { QuotaUsage } from '../image/quota.js';
import type { Generation, Reservation } from '../staging/generation.js';
import type { Location } from '../store/location.js';
import { listImages } from './images/image-list.js';
import { listMembers } from './images/image-members.js';
import {
  imageIdTaken,
  readImage,
  readImageEvenDeleted,
  readUndigested,
} from './images/image-reads.js';
import { readEvents } from './imports/events.js';
import {
  listImports,
  readEndedImports,
  readImport,
  readImportByIdempotencyKey,
  readLiveImport,
  readNewestImports,
  readTasks,
} from './imports/import-reads.js';
import { listLocations, listUsedStores } from './locations/locations.js';
import { readPluginState } from './plugin-states.js';
import { listGenerations, readGeneration } from './staging/generations.js';
import { readObservations } from './staging/observations.js';
import { listReservations, sumReservedBytes } from './staging/reservations.js';
import type { Sql } from './statements.js';
import { readNotifications } from './notifications/notifications.js';
import { readUsage } from './usage.js';
import { listImageVolumes } from './volumes/image-volumes.js';

/** The reads, on whatever connection or transaction `sql` stands for. */
export class SqliteReader implements Reader {
  constructor(protected readonly sql: Sql) {}

  image(id: string): Promise<Image | undefined> {
    return readImage(this.sql, id);
  }

  imageEvenDeleted(id: string): Promise<Image | undefined> {
    return readImageEvenDeleted(this.sql, id);
  }

  imageIdTaken(id: string): Promise<boolean> {
    return imageIdTaken(this.sql, id);
  }

  images(query: ImageQuery): Promise<readonly Image[]> {
    return listImages(this.sql, query);
  }

  undigestedImages(after: string, limit: number): Promise<readonly string[]> {
    return readUndigested(this.sql, after, limit);
  }

  members(imageId: string): Promise<readonly ImageMember[]> {
    return listMembers(this.sql, imageId);
  }

  import(id: string): Promise<ImportRecord | undefined> {
    return readImport(this.sql, id);
  }

  imports(query: ImportQuery): Promise<readonly ImportRecord[]> {
    return listImports(this.sql, query);
  }

  newestImports(imageIds: readonly string[]): Promise<readonly ImportOutcome[]> {
    return readNewestImports(this.sql, imageIds);
  }

  liveImport(imageId: string): Promise<ImportRecord | undefined> {
    return readLiveImport(this.sql, imageId);
  }

  importByIdempotencyKey(imageId: string, key: string): Promise<ImportRecord | undefined> {
    return readImportByIdempotencyKey(this.sql, imageId, key);
  }

  endedImports(query: EndedImportsQuery): Promise<readonly string[]> {
    return readEndedImports(this.sql, query);
  }

  tasks(importId: string): Promise<readonly TaskRecord[]> {
    return readTasks(this.sql, importId);
  }

  events(importId: string, afterSequence: number, limit: number): Promise<readonly ImportEvent[]> {
    return readEvents(this.sql, importId, afterSequence, limit);
  }

  generation(id: string): Promise<Generation | undefined> {
    return readGeneration(this.sql, id);
  }

  generations(query: GenerationQuery): Promise<readonly Generation[]> {
    return listGenerations(this.sql, query);
  }

  observations(generationId: string): Promise<Readonly<Record<string, Json>>> {
    return readObservations(this.sql, generationId);
  }

  reservations(): Promise<readonly Reservation[]> {
    return listReservations(this.sql);
  }

  reservedBytes(): Promise<number> {
    return sumReservedBytes(this.sql);
  }

  usage(projectId: string): Promise<QuotaUsage> {
    return readUsage(this.sql, projectId);
  }

  locations(query: LocationQuery): Promise<readonly Location[]> {
    return listLocations(this.sql, query);
  }

  usedStores(): Promise<readonly string[]> {
    return listUsedStores(this.sql);
  }

  imageVolumes(query: ImageVolumeQuery): Promise<readonly ImageVolume[]> {
    return listImageVolumes(this.sql, query);
  }

  notifications(after: number, limit: number): Promise<readonly Notification[]> {
    return readNotifications(this.sql, after, limit);
  }

  pluginState(plugin: string, key: string): Promise<Json | undefined> {
    return readPluginState(this.sql, plugin, key);
  }
}
