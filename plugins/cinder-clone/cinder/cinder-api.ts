import {
  CapacityError,
  NotFoundError,
  PermanentError,
  StowageError,
  TransientError,
  z,
} from '../../../core/api.js';
import type { SignIn } from './sign-in.js';

/** Attachments with a mode (Stein); Cinder of before it is not maintained. */
const MICROVERSION = '3.54';
/** Milliseconds for one answer. */
const TIMEOUT_MS = 60_000;

/** How every error of Cinder reads: `{"badRequest": {"code": 400, "message": "…"}}`. */
const Fault = z.record(z.string(), z.looseObject({ message: z.string() }));

/** The volume API, asked as one account. Each request is sent once; who repeats one knows what that means. */
export class CinderApi {
  constructor(
    private readonly store: string,
    private readonly signIn: SignIn,
  ) {}

  get(path: string, signal: AbortSignal): Promise<unknown> {
    return this.#call('GET', path, undefined, signal);
  }

  post(path: string, json: unknown, signal: AbortSignal): Promise<unknown> {
    return this.#call('POST', path, json, signal);
  }

  delete(path: string, signal: AbortSignal): Promise<unknown> {
    return this.#call('DELETE', path, undefined, signal);
  }

  /**
   * @throws {TransientError} `CINDER_UNAVAILABLE`; {NotFoundError} `VOLUME_NOT_FOUND`; {CapacityError}
   *   `CINDER_QUOTA`; {PermanentError} `CINDER_REFUSED`; the signal's reason
   */
  async #call(method: string, path: string, json: unknown, signal: AbortSignal): Promise<unknown> {
    const token = await this.signIn.token();
    const first = await this.#send(token, method, path, json, signal);
    if (first.status !== 401) return this.#judged(first, method, path);
    // It may have been revoked before its time.
    this.signIn.refused(token);
    const second = await this.#send(await this.signIn.token(), method, path, json, signal);
    return this.#judged(second, method, path);
  }

  async #send(
    token: string,
    method: string,
    path: string,
    json: unknown,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const endpoint = await this.signIn.endpoint();
    try {
      const response = await fetch(endpoint + path, {
        method,
        redirect: 'error',
        headers: {
          accept: 'application/json',
          'x-auth-token': token,
          'openstack-api-version': `volume ${MICROVERSION}`,
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      return { status: response.status, text: await response.text() };
    } catch (cause) {
      signal.throwIfAborted();
      throw this.#unavailable(`${method} ${path}: ${reasonOf(cause)}`, cause);
    }
  }

  #judged(
    { status, text }: { readonly status: number; readonly text: string },
    method: string,
    path: string,
  ): unknown {
    const body = parsed(text);
    if (status < 300) return body;
    const said = Fault.safeParse(body);
    const reason = said.success ? Object.values(said.data)[0]?.message : undefined;
    const message = `${method} ${path}: ${reason ?? 'no reason is given'} (${status})`;
    if (status >= 500 || status === 408 || status === 429) throw this.#unavailable(message);
    const facts = {
      message: `Store "${this.store}": Cinder answers ${message}`,
      details: { status, ...(reason === undefined ? {} : { reason }) },
    };
    if (status === 404) {
      throw new NotFoundError({
        code: 'VOLUME_NOT_FOUND',
        ...facts,
        hint: 'Check the id of the volume or snapshot',
      });
    }
    if (status === 413) {
      throw new CapacityError({
        code: 'CINDER_QUOTA',
        ...facts,
        hint: 'The operator raises the quota of the project that has the image volumes',
      });
    }
    throw new PermanentError({
      code: 'CINDER_REFUSED',
      ...facts,
      hint:
        status === 401 || status === 403
          ? 'The operator checks the account of the store: it needs the role of an administrator in Cinder'
          : 'Cinder tells the reason',
    });
  }

  #unavailable(reason: string, cause?: unknown): TransientError {
    return new TransientError({
      code: 'CINDER_UNAVAILABLE',
      message: `Store "${this.store}": Cinder cannot be asked: ${reason}`,
      hint: 'It is tried again by itself; see the log of cinder-api',
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

/** Whether Cinder has refused a request with this status. */
export function refusedWith(error: unknown, status: number): boolean {
  return error instanceof StowageError && error.details['status'] === status;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer in time';
  return error.cause instanceof Error ? error.cause.message : error.message;
}
