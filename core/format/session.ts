import { ByteView } from './byte-view.js';
import {
  HEAD_LENGTH,
  MAX_PIECE_LENGTH,
  type FormatInspector,
  type Inspecting,
  type Piece,
  type PieceRequest,
  type Verdict,
} from './frame.js';
import { finding } from './rules.js';
import type { HeadWindow, TailWindow } from './windows.js';

/** Feeds one format inspector from a stream. The result does not depend on the chunk lengths. */
export class Session {
  private readonly running: Inspecting;
  private request: PieceRequest | undefined;
  private captured: Uint8Array | undefined;
  private filled = 0;
  /** End of the furthest piece handed out: what lies before it has passed. */
  private reached = 0;
  private result: Verdict | undefined;

  constructor(private readonly inspector: FormatInspector) {
    this.running = inspector.inspect();
    this.advance(undefined);
  }

  /** Offset of the next byte that is needed; infinite while only the end of the stream is. */
  get wants(): number {
    if (this.request?.from !== 'start') return Infinity;
    return this.isInHead(this.request)
      ? endOf(this.request) - 1
      : this.request.offset + this.filled;
  }

  get isDone(): boolean {
    return this.request === undefined;
  }

  /** Takes the chunk that starts at `position`; `head` holds it already. */
  feed(chunk: Uint8Array, position: number, head: HeadWindow): void {
    const end = position + chunk.length;
    while (this.request?.from === 'start' && this.wants < end) {
      if (this.isInHead(this.request)) {
        this.deliver(head.view(this.request.offset, this.request.length), 0);
      } else if (this.request.offset < this.reached || this.request.length <= 0) {
        this.deliver(new ByteView(new Uint8Array(0), this.request.offset), 0);
      } else {
        this.capture(this.request, chunk, position);
      }
    }
  }

  /** Ends the stream and answers with the verdict, if the bytes are of the format. */
  finish(head: HeadWindow, tail: TailWindow): Verdict | undefined {
    while (this.request !== undefined) {
      this.deliver(this.remainder(this.request, head, tail), tail.size);
    }
    return this.result;
  }

  private remainder(request: PieceRequest, head: HeadWindow, tail: TailWindow): ByteView {
    if (request.from === 'end') return tail.last(request.length);
    if (this.captured) {
      return new ByteView(this.captured.subarray(0, this.filled), request.offset);
    }
    if (this.isInHead(request)) return head.view(request.offset, request.length);
    return tail.view(request.offset, request.length);
  }

  private capture(
    request: Extract<PieceRequest, { from: 'start' }>,
    chunk: Uint8Array,
    position: number,
  ): void {
    this.captured ??= new Uint8Array(request.length);
    const from = request.offset + this.filled - position;
    const part = chunk.subarray(from, from + request.length - this.filled);
    this.captured.set(part, this.filled);
    this.filled += part.length;
    if (this.filled === request.length) {
      this.deliver(new ByteView(this.captured, request.offset), 0);
    }
  }

  private deliver(view: ByteView, size: number): void {
    if (this.request?.from === 'start') {
      this.reached = Math.max(this.reached, endOf(this.request));
    }
    this.captured = undefined;
    this.filled = 0;
    this.advance({ view, size });
  }

  private advance(piece: Piece | undefined): void {
    try {
      const step = piece === undefined ? this.running.next() : this.running.next(piece);
      this.request = step.done === true ? undefined : bounded(step.value);
      this.result = step.done === true ? step.value : undefined;
    } catch (error) {
      this.request = undefined;
      this.result = failure(this.inspector.name, error);
    }
  }

  private isInHead(request: Extract<PieceRequest, { from: 'start' }>): boolean {
    return request.length > 0 && endOf(request) <= HEAD_LENGTH;
  }
}

function endOf(request: { readonly offset: number; readonly length: number }): number {
  return request.offset + request.length;
}

function bounded(request: PieceRequest): PieceRequest {
  const length = Math.max(0, Math.min(request.length, MAX_PIECE_LENGTH));
  return { ...request, length };
}

/** Nothing is known of the bytes where an inspector fails: the image is not safe. */
function failure(name: string, error: unknown): Verdict {
  const reason = error instanceof Error ? error.message : String(error);
  return {
    format: name,
    layer: 'none',
    signatureAt: 0,
    findings: [finding('inspector-failed', 0, `The inspector of ${name} failed: ${reason}`)],
    metadata: {},
  };
}
