import { inject, injectable } from 'inversify';
import { Clock } from '../../base/clock.js';
import { BugError, CancelledError, PermanentError } from '../../base/errors.js';
import { formatDuration } from '../../base/duration.js';
import type { DataSource } from '../../plugin/contract/source.js';
import type { PluginLog } from '../../plugin/contract/services.js';
import type { TaskResult } from '../../plugin/contract/task.js';
import { Plugins } from '../../plugin/plugins.js';
import type { LoadedTask } from '../../plugin/plugins.js';
import { StagingArea } from '../../staging/area.js';
import { Logger } from '../../telemetry/logger.js';
import { Incoming } from '../bytes/incoming.js';
import { Journal } from '../journal.js';
import { Worker } from '../live.js';
import type { LiveImport } from '../live.js';
import type { TaskProgress } from '../service.js';
import { Placement } from '../bytes/placement.js';
import { ProgressBoard } from './progress.js';
import type { TaskMeter } from './progress.js';
import type { Turn } from './turns.js';
import { EngineTaskContext } from './task-context.js';
import { Needs } from './needs.js';
import { requestView } from '../flow/view.js';

/** Milliseconds that a task has to end after its signal was aborted. */
const GRACE = 10_000;

export interface TaskOutcome {
  readonly result: TaskResult;
  readonly progress: TaskProgress;
}

/** Executes one attempt of one task: its signal, its time-out, its context. */
@injectable()
export class TaskAttempt {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Plugins) private readonly plugins: Plugins,
    @inject(Incoming) private readonly incoming: Incoming,
    @inject(Placement) private readonly placement: Placement,
    @inject(Needs) private readonly needs: Needs,
    @inject(StagingArea) private readonly staging: StagingArea,
    @inject(ProgressBoard) private readonly progress: ProgressBoard,
    @inject(Worker) private readonly worker: Worker,
    @inject(Clock) private readonly clock: Clock,
    @inject(Logger) private readonly log: Logger,
  ) {}

  /**
   * Answers what has come of the task, with how far it says it came: for the row, together with its
   * success. How far it came before it failed is in the row already.
   *
   * @throws what the task throws, or the reason of its signal
   */
  async execute(live: LiveImport, turn: Turn): Promise<TaskOutcome> {
    const { row, flow } = turn;
    const deadline = new AbortController();
    const timer = setTimeout(() => {
      deadline.abort(timedOut(flow.entry, flow.timeoutMs));
    }, flow.timeoutMs);
    const signal = AbortSignal.any([live.controller.signal, deadline.signal]);
    const meter = this.progress.begin(row);
    try {
      const result = await this.#execute(live, turn, signal, meter);
      return { result, progress: await meter.end() };
    } catch (error) {
      // Judged before anything is awaited: the time may be over while progress is saved.
      const cause = signal.aborted ? asError(signal.reason) : error;
      await this.#saveProgress(turn, await meter.end());
      throw cause;
    } finally {
      clearTimeout(timer);
      // A task that has returned must not go on using what it was given.
      deadline.abort(new CancelledError({ code: 'TASK_OVER', message: 'The task is over' }));
    }
  }

  async #execute(
    live: LiveImport,
    turn: Turn,
    signal: AbortSignal,
    meter: TaskMeter,
  ): Promise<TaskResult> {
    const { record, row, loaded } = turn;
    const log = this.#log(turn);
    const observed = await this.#observe(turn, signal, log);
    const context = new EngineTaskContext(
      {
        record,
        row,
        view: observed.view,
        generation: observed.generation,
        successors: await this.#successors(turn),
        source: () => this.#source(live, observed, signal, log),
        seat: live.seat,
        needOf: (data) =>
          this.needs.of(record.flow.slice(row.position + 1), {
            ...observed.view,
            data,
            observation: undefined,
          }),
        signal,
        log,
        meter,
        epoch: this.worker.epoch,
      },
      this.journal,
      this.incoming,
      this.placement,
      this.staging,
    );
    return this.#untilAborted(loaded.task.execute(context), signal);
  }

  /** A plugin that does not heed its signal is left alone after a while. */
  async #untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    const over = new AbortController();
    const abandoned = (async (): Promise<never> => {
      await aborted(signal, over.signal);
      await this.clock.sleep(GRACE, over.signal);
      throw asError(signal.reason);
    })();
    try {
      return await Promise.race([work, abandoned]);
    } finally {
      abandoned.catch(() => undefined);
      over.abort();
    }
  }

  /** Shows the bytes to the task's own observer when it has not seen this generation. */
  async #observe(turn: Turn, signal: AbortSignal, log: PluginLog): Promise<Turn> {
    const { loaded, generation, view } = turn;
    const observer =
      generation === undefined || view.observation !== undefined
        ? undefined
        : loaded.task.observe?.({ expectedSize: generation.size ?? undefined, image: view.image });
    if (observer === undefined || generation === undefined) return turn;
    const key = loaded.observerKey;
    const failures: unknown[] = [];
    const { observations } = await this.incoming.reread(generation, {
      observers: new Map([[key, observer]]),
      digests: [],
      signal,
      onObserverError: (_, error) => failures.push(error),
    });
    const observation = observations[key];
    if (observation === undefined) {
      throw new PermanentError({
        code: 'OBSERVER_FAILED',
        message: `The observer of "${turn.flow.entry}" failed: ${String(failures[0])}`,
        hint: 'Report this to the author of the plugin',
        cause: failures[0],
      });
    }
    await this.journal.write(({ tx }) => tx.saveObservation(generation.id, key, observation));
    log.debug('Read the data again for the observer');
    return { ...turn, view: { ...view, observation } };
  }

  /** The tasks that will see what this one makes. */
  async #successors({ record, row }: Turn): Promise<readonly LoadedTask[]> {
    const flow = record.flow.slice(row.position + 1).filter(({ skip }) => skip === undefined);
    const loaded = await Promise.all(flow.map((task) => this.plugins.task(task)));
    return loaded.filter(({ task }) => task.observe !== undefined);
  }

  async #source(
    live: LiveImport,
    { record, row, view }: Turn,
    signal: AbortSignal,
    log: PluginLog,
  ): Promise<DataSource> {
    const method = this.plugins.method(record.method);
    if (method === undefined) {
      throw new PermanentError({
        code: 'METHOD_GONE',
        message: `The import method "${record.method}" is not configured any more`,
        hint: 'List it in imports.methods again, then retry the import',
      });
    }
    return method.source.source({
      importId: record.id,
      image: view.image,
      params: requestView(record).params,
      caller: record.caller,
      expectedDigest: record.expectedDigest ?? undefined,
      resumeFrom: row.checkpoint ?? undefined,
      checkpoint: async (position) => {
        await this.journal.write(({ tx }) =>
          tx.updateTask(
            row.importId,
            row.position,
            { state: ['running'] },
            { checkpoint: position },
          ),
        );
      },
      body: live.body,
      signal,
      log,
    });
  }

  async #saveProgress({ row }: Turn, { done, total }: TaskProgress): Promise<void> {
    if (done === 0) return;
    await this.journal.write(({ tx }) =>
      tx.updateTask(
        row.importId,
        row.position,
        { state: ['running'] },
        { progressDone: done, progressTotal: total },
      ),
    );
  }

  #log({ record, row }: Turn): PluginLog {
    return this.log.child({
      import_id: record.id,
      image_id: record.imageId,
      task: row.entry,
      attempt: row.attempt,
      ...(row.store === null ? {} : { store: row.store }),
    });
  }
}

function timedOut(entry: string, timeoutMs: number): PermanentError {
  return new PermanentError({
    code: 'TASK_TIMEOUT',
    message: `Task "${entry}" did not end within ${formatDuration(timeoutMs)}`,
    hint: 'Raise the timeout of this pipeline entry when the image is just large',
  });
}

function asError(reason: unknown): Error {
  if (reason instanceof Error) return reason;
  return new BugError({ code: 'INTERNAL', message: `Aborted with ${String(reason)}` });
}

/** Resolves when `signal` is aborted; rejects when `over` is before. */
function aborted(signal: AbortSignal, over: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    signal.addEventListener(
      'abort',
      () => {
        resolve();
      },
      { once: true, signal: over },
    );
    over.addEventListener(
      'abort',
      () => {
        reject(new CancelledError({ code: 'TASK_OVER', message: 'The task is over' }));
      },
      { once: true },
    );
  });
}
