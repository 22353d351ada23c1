import { TransientError } from '../base/errors.js';
import type { Secret } from '../base/secret.js';
import type { Notification } from '../engine/notification.js';
import type { NotificationTarget } from './target.js';

export interface WebhookOptions {
  /** The deployer's own: it is trusted, and redirects are not followed. */
  readonly url: string;
  readonly headers: Readonly<Record<string, Secret>>;
  /** Milliseconds for one answer. */
  readonly timeoutMs: number;
  /** Name of this machine. */
  readonly host: string;
}

/** Sends each notification as one `POST`, in the envelope of OpenStack's notifications. */
export class Webhook implements NotificationTarget {
  constructor(private readonly options: WebhookOptions) {}

  async send(notification: Notification, signal: AbortSignal): Promise<void> {
    const { url, headers, timeoutMs } = this.options;
    const secrets = Object.entries(headers).map(([name, value]) => [name, value.reveal()] as const);
    let answer: Response;
    try {
      answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...Object.fromEntries(secrets) },
        body: JSON.stringify(this.#envelope(notification)),
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      await answer.body?.cancel();
    } catch (cause) {
      signal.throwIfAborted();
      throw new TransientError({
        code: 'WEBHOOK_UNREACHABLE',
        message: 'The webhook for notifications does not answer',
        hint: 'Check "notifications.webhook.url", and that its server runs',
        cause,
      });
    }
    if (answer.ok) return;
    throw new TransientError({
      code: 'NOTIFICATION_REFUSED',
      message: `The webhook for notifications answers ${answer.status}`,
      hint: 'Check "notifications.webhook": any answer but 2xx is tried again',
    });
  }

  #envelope({ id, at, type, payload }: Notification): unknown {
    return {
      message_id: id,
      publisher_id: `image.${this.options.host}`,
      event_type: type,
      priority: type === 'task.failure' ? 'ERROR' : 'INFO',
      timestamp: at.toISOString(),
      payload,
    };
  }
}
