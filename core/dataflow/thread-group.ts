import { Thread } from './thread-host.js';

interface Member {
  readonly thread: Thread;
  /** Jobs that are pinned to it. */
  jobs: number;
}

/** A place on one thread, for a job whose requests must keep their order. */
export interface ThreadPlace {
  readonly thread: Thread;
  /** Gives the place back; call once. */
  release(): void;
}

/** A fixed number of threads that are started when they are first needed. */
export class ThreadGroup {
  readonly #limit: number;
  readonly #memory: SharedArrayBuffer;
  readonly #members = new Set<Member>();

  constructor(limit: number, memory: SharedArrayBuffer) {
    this.#limit = limit;
    this.#memory = memory;
  }

  /** A place on the thread with the fewest jobs. */
  place(): ThreadPlace {
    const member = this.#choose();
    member.jobs += 1;
    return {
      thread: member.thread,
      release: () => {
        member.jobs -= 1;
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
      jobs: 0,
    };
    this.#members.add(started);
    return started;
  }
}
