import { Readable } from 'node:stream';

/** What a body needs of the connection that its bytes come from. */
export interface BodyConnection {
  /** Asks for more bytes after {@link AnswerBody.offer} has answered false. */
  resume(): void;
  /** Closes the connection; may be called again. */
  close(): Promise<void>;
}

/** Bytes that wait for a reader at most, but for the piece that crosses it. */
const HIGH_WATER_MARK = 256 * 1024;

/**
 * The bytes of one answer. Its reader owns it: reading to the end or destroying it closes the connection,
 * and `close` is emitted when that is done.
 */
export class AnswerBody extends Readable {
  readonly #connection: BodyConnection;

  constructor(connection: BodyConnection) {
    super({ highWaterMark: HIGH_WATER_MARK });
    this.#connection = connection;
    // A source that breaks between two readers must not end the process; the next reader sees `errored`.
    this.on('error', () => undefined);
  }

  /** Takes bytes from the connection. @returns whether it takes more now */
  offer(bytes: Uint8Array): boolean {
    return this.push(bytes);
  }

  /** All bytes have come. */
  finish(): void {
    this.push(null);
  }

  override _read(): void {
    this.#connection.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#connection.close().then(
      () => {
        callback(error);
      },
      (closing: unknown) => {
        callback(error ?? (closing instanceof Error ? closing : new Error(String(closing))));
      },
    );
  }
}
