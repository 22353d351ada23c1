import type { Json, JsonObject } from '../base/json.js';
import type {
  ImportEvent,
  ImportRecord,
  ImportState,
  TaskRecord,
  TaskState,
} from '../engine/import.js';
import type {
  GenerationChange,
  ImageChange,
  ImageVolumeChange,
  ImportChange,
  TaskChange,
  Transaction,
} from '../engine/ports.js';
import type { ImageVolume, ImageVolumeState } from '../engine/image-volume.js';
import type { Image, ImageStatus } from '../image/image.js';
import type { ImageMember, MemberStatus } from '../image/member.js';
import type { Generation, GenerationState, Reservation } from '../staging/generation.js';
import type { Location, LocationState } from '../store/location.js';
import { startEpoch } from './epochs.js';
import { deleteMember, insertMember, updateMember } from './images/image-members.js';
import { insertImage, updateImage } from './images/image-writes.js';
import { appendEvent } from './imports/events.js';
import {
  addUserPatched,
  deleteImports,
  insertImport,
  requestCancel,
  takeOverImports,
  updateImport,
  updateTask,
} from './imports/import-writes.js';
import type { LocationChange } from './locations/location-mapper.js';
import { deleteLocation, insertLocation, updateLocation } from './locations/locations.js';
import { deleteNotifications } from './notifications/notifications.js';
import { setPluginState } from './plugin-states.js';
import { SqliteReader } from './reader.js';
import {
  assignGeneration,
  deleteGeneration,
  insertGeneration,
  updateGeneration,
} from './staging/generations.js';
import { saveObservation } from './staging/observations.js';
import {
  deleteReservation,
  deleteReservations,
  insertReservation,
  updateReservation,
} from './staging/reservations.js';

import {
  deleteImageVolumes,
  insertImageVolume,
  updateImageVolume,
} from './volumes/image-volumes.js';

/** The writes of one transaction, and the reads that see them. */
export class SqliteTransaction extends SqliteReader implements Transaction {
  startEpoch(at: Date, facts: { readonly pid: number; readonly host: string }): Promise<number> {
    return startEpoch(this.sql, at, facts);
  }

  insertImage(image: Image): Promise<void> {
    return insertImage(this.sql, image);
  }

  updateImage(
    id: string,
    when: { readonly status: readonly ImageStatus[] },
    change: ImageChange,
    at: Date,
  ): Promise<boolean> {
    return updateImage(this.sql, id, when, change, at);
  }

  insertMember(member: ImageMember): Promise<void> {
    return insertMember(this.sql, member);
  }

  updateMember(
    imageId: string,
    projectId: string,
    change: { readonly status: MemberStatus },
    at: Date,
  ): Promise<boolean> {
    return updateMember(this.sql, imageId, projectId, change, at);
  }

  deleteMember(imageId: string, projectId: string): Promise<void> {
    return deleteMember(this.sql, imageId, projectId);
  }

  insertImport(record: ImportRecord, tasks: readonly TaskRecord[]): Promise<void> {
    return insertImport(this.sql, record, tasks);
  }

  updateImport(
    id: string,
    when: { readonly state: readonly ImportState[]; readonly epoch?: number },
    change: ImportChange,
  ): Promise<boolean> {
    return updateImport(this.sql, id, when, change);
  }

  requestCancel(id: string, cancel: 'user' | 'deleted'): Promise<boolean> {
    return requestCancel(this.sql, id, cancel);
  }

  addUserPatched(id: string, names: readonly string[]): Promise<void> {
    return addUserPatched(this.sql, id, names);
  }

  takeOverImports(epoch: number): Promise<number> {
    return takeOverImports(this.sql, epoch);
  }

  deleteImports(ids: readonly string[]): Promise<number> {
    return deleteImports(this.sql, ids);
  }

  updateTask(
    importId: string,
    position: number,
    when: { readonly state: readonly TaskState[] },
    change: TaskChange,
  ): Promise<boolean> {
    return updateTask(this.sql, importId, position, when, change);
  }

  appendEvent(importId: string, at: Date, type: string, data: JsonObject): Promise<ImportEvent> {
    return appendEvent(this.sql, importId, at, type, data);
  }

  insertGeneration(generation: Generation): Promise<void> {
    return insertGeneration(this.sql, generation);
  }

  updateGeneration(
    id: string,
    when: { readonly state: readonly GenerationState[] },
    change: GenerationChange,
  ): Promise<boolean> {
    return updateGeneration(this.sql, id, when, change);
  }

  deleteGeneration(id: string): Promise<void> {
    return deleteGeneration(this.sql, id);
  }

  saveObservation(generationId: string, key: string, result: Json): Promise<void> {
    return saveObservation(this.sql, generationId, key, result);
  }

  insertReservation(reservation: Reservation): Promise<void> {
    return insertReservation(this.sql, reservation);
  }

  updateReservation(
    id: string,
    change: Partial<Pick<Reservation, 'bytes' | 'need'>>,
  ): Promise<void> {
    return updateReservation(this.sql, id, change);
  }

  deleteReservation(id: string): Promise<void> {
    return deleteReservation(this.sql, id);
  }

  deleteReservations(query: {
    readonly importId: string;
    readonly purpose: 'workspace';
  }): Promise<void> {
    return deleteReservations(this.sql, query);
  }

  assignGeneration(id: string, importId: string | null): Promise<boolean> {
    return assignGeneration(this.sql, id, importId);
  }

  insertLocation(location: Location): Promise<void> {
    return insertLocation(this.sql, location);
  }

  updateLocation(
    id: string,
    when: { readonly state: readonly LocationState[] },
    change: LocationChange,
  ): Promise<boolean> {
    return updateLocation(this.sql, id, when, change);
  }

  deleteLocation(id: string): Promise<void> {
    return deleteLocation(this.sql, id);
  }

  insertImageVolume(volume: ImageVolume): Promise<void> {
    return insertImageVolume(this.sql, volume);
  }

  updateImageVolume(
    id: string,
    when: { readonly state: readonly ImageVolumeState[] },
    change: ImageVolumeChange,
  ): Promise<boolean> {
    return updateImageVolume(this.sql, id, when, change);
  }

  deleteImageVolumes(before: Date): Promise<void> {
    return deleteImageVolumes(this.sql, before);
  }

  deleteNotifications(through: number): Promise<void> {
    return deleteNotifications(this.sql, through);
  }

  setPluginState(plugin: string, key: string, value: Json | undefined): Promise<void> {
    return setPluginState(this.sql, plugin, key, value);
  }
}
