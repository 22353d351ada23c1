import type { Logger } from '../telemetry/logger.js';
import type { NotificationTarget } from './target.js';

/** Writes each notification as one line. */
export function logTarget(log: Logger): NotificationTarget {
  return {
    send({ id, type, payload }) {
      log.info(`Notification ${type}`, { message_id: id, event_type: type, payload });
      return Promise.resolve();
    },
  };
}
