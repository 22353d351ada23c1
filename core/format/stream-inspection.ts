import { combine, type Policy } from './combine.js';
import { HEAD_LENGTH, TAIL_LENGTH, type FormatInspector, type Verdict } from './frame.js';
import type { Inspection, StreamInspector } from './inspection.js';
import { Session } from './session.js';
import { HeadWindow, TailWindow } from './windows.js';

/** The inspection of one stream by several formats at once. */
export class StreamInspection implements StreamInspector {
  private readonly head = new HeadWindow(HEAD_LENGTH);
  private readonly tail = new TailWindow(TAIL_LENGTH);
  private readonly sessions: readonly Session[];
  private running: readonly Session[];
  /** Lowest offset that a running session needs: most chunks end before it. */
  private wants = 0;

  constructor(
    formats: readonly FormatInspector[],
    private readonly policy: Policy,
  ) {
    this.sessions = formats.map((format) => new Session(format));
    this.running = this.sessions;
  }

  update(chunk: Uint8Array): void {
    const position = this.tail.size;
    this.head.push(chunk);
    this.tail.push(chunk);
    if (this.wants >= position + chunk.length) return;
    for (const session of this.running) session.feed(chunk, position, this.head);
    this.running = this.running.filter(({ isDone }) => !isDone);
    this.wants = Math.min(...this.running.map(({ wants }) => wants));
  }

  finish(): Inspection {
    const verdicts = this.sessions
      .map((session) => session.finish(this.head, this.tail))
      .filter((verdict): verdict is Verdict => verdict !== undefined);
    return combine(verdicts, this.tail.size, this.policy);
  }
}
