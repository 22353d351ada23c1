import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { JsonObject } from '../../core/base/json.js';
import type { Answer, BatchResult, Order } from './orders.js';

const WORKER = path.join(import.meta.dirname, 'worker.ts');

/** Time for one batch, with the making smaller of a case that fails. */
const BATCH_MS = 240_000;

/** Time for one case, where each is waited for. */
const CASE_MS = 20_000;

/** One worker process, started anew where it hangs or dies. */
export class Hand {
  #process: ChildProcess | undefined;

  /** Runs a batch; a case that hangs or kills the process is found and comes back as the failure. */
  async run(target: string, seed: number, cases: number): Promise<BatchResult> {
    const order = { target, seed, cases };
    const answer = await this.#ask({ do: 'run', ...order }, BATCH_MS);
    if (answer !== undefined && 'cases' in answer) return answer;
    const index = await this.#locate({ do: 'locate', ...order });
    const dumped = await this.#ask({ do: 'dump', target, seed, index }, BATCH_MS);
    const saved: JsonObject = dumped !== undefined && 'saved' in dumped ? dumped.saved : {};
    const message = `Case ${index} of the seed ${seed} does not end, or ends its process`;
    return {
      cases: index,
      cpuMs: 0,
      seen: [],
      failure: { promise: 'each case ends', message, saved },
    };
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
  }

  /** The next answer; `undefined` where it does not come in time, and the process is gone. */
  async #ask(order: Order, ms: number): Promise<Answer | undefined> {
    this.#process ??= start();
    const child = this.#process;
    const answered = nextAnswer(child, ms);
    child.send(order);
    const answer = await answered;
    if (answer === undefined) await this.stop();
    return answer;
  }

  async #locate(order: Order): Promise<number> {
    let trying = 0;
    let answer = await this.#ask(order, CASE_MS);
    while (answer !== undefined && 'trying' in answer && this.#process) {
      trying = answer.trying;
      answer = await nextAnswer(this.#process, CASE_MS);
    }
    await this.stop();
    return trying;
  }
}

function start(): ChildProcess {
  return fork(WORKER, {
    execArgv: ['--import', 'tsx', '--max-old-space-size=512'],
  });
}

function nextAnswer(child: ChildProcess, ms: number): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const settle = (answer: Answer | undefined): void => {
      clearTimeout(timer);
      child.off('message', onMessage);
      child.off('exit', onExit);
      resolve(answer);
    };
    const onMessage = (answer: unknown): void => {
      settle(answer as Answer);
    };
    const onExit = (): void => {
      settle(undefined);
    };
    const timer = setTimeout(onExit, ms);
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}
