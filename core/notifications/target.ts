import type { Notification } from '../engine/notification.js';

/** Where notifications go. */
export interface NotificationTarget {
  /**
   * Resolves when it is taken. The same one may come again, with the same id.
   * @throws {TransientError} `NOTIFICATION_REFUSED` · `WEBHOOK_UNREACHABLE`
   */
  send(notification: Notification, signal: AbortSignal): Promise<void>;
}
