import type { JsonObject } from '../base/json.js';

/**
 * What other programs are told of: an image, a member of one, or a task (an import) has changed. Types
 * and payloads have the names of Glance's notifications.
 */
export interface Notification {
  /** In the order of the commits, from 1; never used again. */
  readonly sequence: number;
  /** UUID that stays the same however often it is sent. */
  readonly id: string;
  readonly at: Date;
  /** For example `image.activate`. */
  readonly type: string;
  readonly payload: JsonObject;
}
