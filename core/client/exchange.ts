import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { AnswerBody } from './answer-body.js';
import {
  exchangeError,
  invalidAnswer,
  MAX_HEADER_BYTES,
  stalled,
  type ExchangePhase,
} from './answer-errors.js';
import { abortReason } from './deadline.js';
import { dial, type Dialling } from './dial.js';
import { IdleTimer } from './idle-timer.js';

export interface ExchangeRequest extends Dialling {
  readonly method: 'GET' | 'HEAD';
  readonly headers: Readonly<Record<string, string>>;
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

/** Informational answers (1xx) before the answer; a server may send a few, an attacker sends no end. */
const MAX_INFORMATIONAL = 8;

/**
 * One request over a connection of its own, closed when the body is. A shared pool would let one caller's
 * request travel over a connection that another caller's `allow` has opened.
 * @throws as {@link dial} and {@link exchangeError}, or the signal's reason
 */
export async function exchange(request: ExchangeRequest): Promise<Answer> {
  request.signal.throwIfAborted();
  const socket = await dial(request);
  return new Promise((resolve, reject) => {
    new Exchange(request, socket, resolve, reject).start();
  });
}

class Exchange {
  readonly #idle: IdleTimer;
  #http: ClientRequest | undefined;
  #phase: ExchangePhase = 'answer';
  #informational = 0;
  #message: IncomingMessage | undefined;
  #body: AnswerBody | undefined;

  constructor(
    private readonly request: ExchangeRequest,
    private readonly socket: Socket,
    private readonly resolve: (answer: Answer) => void,
    private readonly reject: (error: Error) => void,
  ) {
    const { target, idleTimeoutMs } = request;
    this.#idle = new IdleTimer(idleTimeoutMs, () => {
      this.#fail(stalled(target, idleTimeoutMs));
    });
  }

  start(): void {
    const { target, method, headers, signal } = this.request;
    signal.addEventListener('abort', this.#onAbort, { once: true });
    try {
      this.#http = httpRequest({
        createConnection: () => this.socket,
        method,
        path: `${target.url.pathname}${target.url.search}`,
        setHost: false,
        headers: { host: target.url.host, connection: 'close', ...headers },
        maxHeaderSize: MAX_HEADER_BYTES,
      });
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#http.on('information', this.#onInformation);
    this.#http.on('response', this.#onResponse);
    this.#http.on('upgrade', this.#onUpgrade);
    this.#http.on('error', this.#onError);
    this.#http.end();
    this.#idle.touch();
    if (signal.aborted) this.#onAbort();
  }

  readonly #onInformation = (): void => {
    this.#informational += 1;
    if (this.#informational <= MAX_INFORMATIONAL) return;
    this.#fail(invalidAnswer(this.request.target, `${MAX_INFORMATIONAL} times 1xx and no end`));
  };

  readonly #onUpgrade = (): void => {
    this.#fail(invalidAnswer(this.request.target, 'it changes to another protocol'));
  };

  readonly #onResponse = (message: IncomingMessage): void => {
    this.#phase = 'body';
    this.#message = message;
    const body = new AnswerBody({
      resume: () => {
        this.#resume();
      },
      close: () => this.#close(),
    });
    this.#body = body;
    this.#idle.touch();
    message.on('data', (bytes: Buffer) => {
      this.#idle.touch();
      if (body.offer(bytes)) return;
      // It is the reader who is slow from here on.
      this.#idle.stop();
      message.pause();
    });
    message.on('end', () => {
      body.finish();
      void this.#close();
    });
    message.on('error', this.#onError);
    this.resolve({
      status: message.statusCode ?? 0,
      headers: joinedHeaders(message.headersDistinct),
      body,
    });
  };

  #resume(): void {
    if (this.#message?.isPaused() !== true) return;
    this.#idle.touch();
    this.#message.resume();
  }

  readonly #onError = (error: Error): void => {
    this.#fail(error);
  };

  readonly #onAbort = (): void => {
    this.#settle(abortReason(this.request.signal));
  };

  #fail(cause: unknown): void {
    this.#settle(exchangeError(cause, this.request.target, this.#phase));
  }

  /** Only the first of several reasons counts: the others follow from it. */
  #settle(error: Error): void {
    this.reject(error);
    if (this.#body === undefined) void this.#close();
    else this.#body.destroy(error);
  }

  #close(): Promise<void> {
    this.request.signal.removeEventListener('abort', this.#onAbort);
    this.#idle.stop();
    this.#http?.destroy();
    const { socket } = this;
    return new Promise((resolve) => {
      if (socket.closed) {
        resolve();
        return;
      }
      socket.once('close', () => {
        resolve();
      });
      socket.destroy();
    });
  }
}

function joinedHeaders(headers: Readonly<NodeJS.Dict<string[]>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, values]) =>
      values === undefined ? [] : [[name, values.join(', ')]],
    ),
  );
}
