import { hostname } from 'node:os';
import type { Clock } from '../base/clock.js';
import type { NotificationsConfig } from '../config/config.js';
import type { Database } from '../engine/ports.js';
import type { Logger } from '../telemetry/logger.js';
import { Dispatcher } from './dispatcher.js';
import { logTarget } from './log-target.js';
import type { NotificationTarget } from './target.js';
import { Webhook } from './webhook.js';

/** Whether a change of this type is to be told of. */
export function wantsNotification(config: NotificationsConfig): (type: string) => boolean {
  const { disabled } = config;
  return (type) => !disabled.some((name) => type === name || type.startsWith(`${name}.`));
}

/** Whether anybody wants to be told of anything. */
export function hasTarget({ log, webhook }: NotificationsConfig): boolean {
  return log || webhook !== undefined;
}

export function createDispatcher(
  config: NotificationsConfig,
  parts: { readonly database: Database; readonly clock: Clock; readonly log: Logger },
): Dispatcher {
  const { webhook, log: isLogged, retentionMs } = config;
  const targets: NotificationTarget[] = [];
  if (webhook !== undefined) targets.push(new Webhook({ ...webhook, host: hostname() }));
  if (isLogged) targets.push(logTarget(parts.log));
  return new Dispatcher({ ...parts, targets, retentionMs });
}
