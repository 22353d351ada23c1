import type { LookupAddress } from 'node:dns';
import type { Socket } from 'node:net';
import { buildConnector, Client, type Dispatcher } from 'undici';
import { AnswerBody } from './answer-body.js';
import {
  exchangeError,
  invalidAnswer,
  MAX_HEADER_BYTES,
  type ExchangePhase,
} from './answer-errors.js';
import { abortReason } from './deadline.js';
import { pinnedLookup } from './resolve.js';
import type { Target } from './target.js';

export interface ExchangeRequest {
  readonly target: Target;
  /** The checked addresses of the target; nothing else is connected to. */
  readonly addresses: readonly LookupAddress[];
  readonly method: 'GET' | 'HEAD';
  readonly headers: Readonly<Record<string, string>>;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Ends the exchange at any time, the reading of the body included. */
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** Lower-case names; a header that was sent more than once is joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** The reader closes it. */
  readonly body: AnswerBody;
}

/** Milliseconds that one of several addresses gets before the next is tried beside it (RFC 8305). */
const ATTEMPT_MS = 1000;
/** Informational answers (1xx) before the answer; a server may send a few, an attacker sends no end. */
const MAX_INFORMATIONAL = 8;

/**
 * One request over a connection of its own, closed when the body is. A shared pool would let one caller's
 * request travel over a connection that another caller's `allow` has opened.
 * @throws as {@link exchangeError}, or the signal's reason
 */
export function exchange(request: ExchangeRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    new Exchange(request, resolve, reject).start();
  });
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #client: Client;
  readonly #dialling = new AbortController();
  #controller: Dispatcher.DispatchController | undefined;
  #phase: ExchangePhase = 'connect';
  #informational = 0;
  #body: AnswerBody | undefined;
  #paused = false;
  /** The connection's `end` that came while the parser was paused. */
  #heldEnd: (() => void) | undefined;

  constructor(
    private readonly request: ExchangeRequest,
    private readonly resolve: (answer: Answer) => void,
    private readonly reject: (error: Error) => void,
  ) {
    const { target, addresses, connectTimeoutMs, idleTimeoutMs } = request;
    const connect = buildConnector({
      lookup: pinnedLookup(addresses),
      timeout: connectTimeoutMs,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: attemptMs(connectTimeoutMs, addresses.length),
      signal: this.#dialling.signal,
    });
    this.#client = new Client(target.url.origin, {
      connect: (options, callback) => {
        connect(options, (...[error, socket]) => {
          if (error !== null) {
            callback(error, null);
            return;
          }
          this.#holdEnd(socket);
          callback(null, socket);
        });
      },
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: idleTimeoutMs,
      bodyTimeout: idleTimeoutMs,
    });
  }

  start(): void {
    const { target, method, headers, signal } = this.request;
    if (signal.aborted) {
      this.#onAbort();
      return;
    }
    signal.addEventListener('abort', this.#onAbort, { once: true });
    const path = `${target.url.pathname}${target.url.search}`;
    this.#client.dispatch({ path, method, headers: { ...headers }, reset: true }, this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#phase = 'answer';
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (status < 200) {
      this.#informational += 1;
      if (this.#informational <= MAX_INFORMATIONAL) return;
      this.#fail(invalidAnswer(this.request.target, `${MAX_INFORMATIONAL} times 1xx and no end`));
      return;
    }
    this.#phase = 'body';
    this.#body = new AnswerBody({
      resume: () => {
        this.#resume();
      },
      close: () => this.#close(),
    });
    this.resolve({ status, headers: joinedHeaders(headers), body: this.#body });
  }

  onResponseData(controller: Dispatcher.DispatchController, bytes: Buffer): void {
    if (this.#body?.offer(bytes) !== false) return;
    this.#paused = true;
    controller.pause();
  }

  #resume(): void {
    this.#paused = false;
    this.#controller?.resume();
    const end = this.#heldEnd;
    // Resuming may have brought so much that the parser is paused again.
    if (end === undefined || this.#isPaused()) return;
    this.#heldEnd = undefined;
    end();
  }

  #isPaused(): boolean {
    return this.#paused;
  }

  /**
   * undici 7.30 asserts that its parser is not paused when the connection ends, and a failed
   * assertion there ends the process: a server that closes after its answer could do that to us.
   */
  #holdEnd(socket: Socket): void {
    const emit = socket.emit.bind(socket) as (
      event: string | symbol,
      ...args: unknown[]
    ) => boolean;
    socket.emit = (event: string | symbol, ...args: unknown[]): boolean => {
      if (event !== 'end' || !this.#paused) return emit(event, ...args);
      this.#heldEnd = () => emit('end');
      return true;
    };
  }

  onResponseEnd(): void {
    this.#body?.finish();
    // Not before the parser, which is calling, has left the connection.
    queueMicrotask(() => void this.#close());
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  readonly #onAbort = (): void => {
    this.#settle(abortReason(this.request.signal));
  };

  #fail(cause: unknown): void {
    this.#settle(exchangeError(cause, { ...this.request, phase: this.#phase }));
  }

  #settle(error: Error): void {
    this.reject(error);
    if (this.#body === undefined) void this.#close();
    else this.#body.destroy(error);
  }

  async #close(): Promise<void> {
    this.request.signal.removeEventListener('abort', this.#onAbort);
    this.#dialling.abort();
    await this.#client.destroy();
  }
}

function attemptMs(connectTimeoutMs: number, addresses: number): number {
  // Node takes no less than 10.
  return Math.max(10, Math.min(ATTEMPT_MS, Math.floor(connectTimeoutMs / addresses)));
}

function joinedHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === 'string' ? value : value.join(', ')]],
    ),
  );
}
