import { EpochRow } from './epoch-row.js';
import { EventRow } from './event-row.js';
import { GenerationRow } from './generation-row.js';
import { ImageMemberRow } from './image-member-row.js';
import { ImagePropertyRow } from './image-property-row.js';
import { ImageRow } from './image-row.js';
import { ImageTagRow } from './image-tag-row.js';
import { ImageVolumeRow } from './image-volume-row.js';
import { ImportRow } from './import-row.js';
import { LocationRow } from './location-row.js';
import { NotificationRow } from './notification-row.js';
import { ObservationRow } from './observation-row.js';
import { PluginStateRow } from './plugin-state-row.js';
import { ReservationRow } from './reservation-row.js';
import { TaskRow } from './task-row.js';

/** Every table. Rows have no behaviour and do not leave this folder. */
export const ENTITIES = [
  ImageRow,
  ImagePropertyRow,
  ImageTagRow,
  ImageMemberRow,
  ImportRow,
  TaskRow,
  EventRow,
  GenerationRow,
  ObservationRow,
  ReservationRow,
  LocationRow,
  ImageVolumeRow,
  NotificationRow,
  PluginStateRow,
  EpochRow,
];
