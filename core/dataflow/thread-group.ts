import { Thread } from './thread-host.js';

/** Milliseconds for which a thread that nobody needs is kept, with its memory of several MiB. */
const IDLE_MS = 30_000;

interface Member {
  readonly thread: Thread;
  /** Ends the thread when it was needed by nobody for so long. */
  readonly idle: NodeJS.Timeout;
  /** Jobs that are pinned to it. */
  jobs: number;
}

/** A place on one thread, for a job whose requests must keep their order. */
export interface ThreadPlace {
  readonly thread: Thread;
  /** Gives the place back; call once. */
  release(): void;
}

/** Up to a number of threads, started when they are needed and ended when they no longer are. */
export class ThreadGroup {
  readonly #limit: number;
  readonly #memory: SharedArrayBuffer;
  readonly #idleMs: number;
  readonly #members = new Set<Member>();

  constructor(limit: number, memory: SharedArrayBuffer, idleMs = IDLE_MS) {
    this.#limit = limit;
    this.#memory = memory;
    this.#idleMs = idleMs;
  }

  /** Threads that there are. */
  get size(): number {
    return this.#members.size;
  }

  /** A place on the thread with the fewest jobs. */
  place(): ThreadPlace {
    const member = this.#choose();
    member.jobs += 1;
    return {
      thread: member.thread,
      release: () => {
        member.jobs -= 1;
        if (member.jobs === 0) member.idle.refresh();
      },
    };
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#members].map(({ thread }) => thread.terminate()));
  }

  #choose(): Member {
    let best: Member | undefined;
    for (const member of this.#members) {
      if (best === undefined || member.jobs < best.jobs) best = member;
    }
    if (best !== undefined && (best.jobs === 0 || this.#members.size >= this.#limit)) return best;
    const started: Member = {
      thread: new Thread(this.#memory, () => {
        this.#members.delete(started);
      }),
      idle: setTimeout(() => {
        this.#endIdle(started);
      }, this.#idleMs).unref(),
      jobs: 0,
    };
    this.#members.add(started);
    return started;
  }

  #endIdle(member: Member): void {
    if (member.jobs > 0) return;
    // Nobody may be given the thread while it ends.
    this.#members.delete(member);
    void member.thread.terminate();
  }
}
