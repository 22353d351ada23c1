import { describe, expect, it } from 'vitest';
import type { ImportTask, TaskResult } from '../../core/api.js';
import { observed, taskContext } from '../../core/plugin/testing/index.js';
import type { TaskContextOptions, TestTaskContext } from '../../core/plugin/testing/index.js';

export interface TaskCase {
  readonly title: string;
  /** Constructs the task anew, as a restart does. */
  readonly task: () => ImportTask;
  /** What the task works on; asked for anew for each context. */
  readonly context: () => Promise<TaskContextOptions> | TaskContextOptions;
  /** The error that the task is to end with in this case. */
  readonly fails?: { readonly class: string; readonly code: string };
}

/** What every task must do, whatever its work is. */
export function describeTask(name: string, cases: readonly TaskCase[]): void {
  describe(`${name} as a task`, () => {
    describe.each(cases)('$title', ({ task, context, fails }) => {
      const open = async (more: Partial<TaskContextOptions> = {}): Promise<TestTaskContext> => {
        const options = await context();
        const seen =
          typeof options.data === 'object' ? observed(task(), [options.data]) : undefined;
        const observation = options.observation ?? seen;
        return taskContext({
          ...options,
          ...(observation === undefined ? {} : { observation }),
          ...more,
        });
      };
      const run = async (more: Partial<TaskContextOptions> = {}): Promise<Ended> => {
        await using ctx = await open(more);
        return await end(task(), ctx);
      };

      it('ends as it should', async () => {
        const { error } = await run();
        if (fails === undefined) expect(error).toBeUndefined();
        else expect(error).toMatchObject(fails);
      });

      it('ends the same when it runs a second time in the same place', async () => {
        await using ctx = await open();
        const first = await end(task(), ctx);
        const second = await end(task(), ctx);
        expect(comparable(second)).toEqual(comparable(first));
      });

      it('ends the same in another life, with what it has saved', async () => {
        await using ctx = await open();
        const first = await end(task(), ctx);
        const resumeFrom = ctx.checkpoints.at(-1);
        const later = await run({
          attempt: 2,
          ...(resumeFrom === undefined ? {} : { resumeFrom: roundTrip(resumeFrom) }),
        });
        expect(comparable(later)).toEqual(comparable(first));
      });

      it('answers with JSON', async () => {
        await using ctx = await open();
        const { result } = await end(task(), ctx);
        expect(roundTrip(result ?? null)).toEqual(result ?? null);
        for (const position of ctx.checkpoints) expect(roundTrip(position)).toEqual(position);
      });

      it('decides and claims by the view alone', async () => {
        await using ctx = await open();
        const view = frozen(ctx);
        const [one, two] = [task(), task()];
        expect(one.skipReason?.(view)).toEqual(two.skipReason?.(view));
        const claimed = one.workspace?.(view) ?? 0;
        expect(Number.isSafeInteger(claimed) && claimed >= 0, String(claimed)).toBe(true);
        expect(two.workspace?.(view) ?? 0).toBe(claimed);
      });

      it('claims enough workspace', async () => {
        await using ctx = await open();
        const claimed = task().workspace?.(ctx) ?? 0;
        await end(task(), ctx);
        // What was staged is the engine's to make room for.
        const adopted = ctx.made.filter(({ by }) => by === 'adopt');
        for (const { data } of adopted) expect(data.allocatedSize).toBeLessThanOrEqual(claimed);
      });

      it('skips or ends when there are no bytes', async () => {
        const options = { ...(await context()) };
        delete (options as { data?: unknown }).data;
        await using ctx = await taskContext(options);
        const skip = task().skipReason?.(ctx);
        if (skip !== undefined) expect(skip).not.toBe('');
      });

      it('stops with the reason of its signal', async () => {
        const reason = new Error('asked to stop');
        const { error } = await run({ signal: AbortSignal.abort(reason) });
        // What needs no time may end before it looks.
        expect([reason, undefined, fails?.code]).toContain(
          error instanceof Error && 'code' in error ? error.code : error,
        );
      });

      it('stops at any progress that it makes', async () => {
        let calls = 0;
        await run({ onProgress: () => (calls += 1) });
        for (let stopAt = 1; stopAt <= Math.min(calls, 5); stopAt += 1) {
          const controller = new AbortController();
          let seen = 0;
          const { error } = await run({
            signal: controller.signal,
            onProgress: () => {
              seen += 1;
              if (seen === stopAt) controller.abort(new Error('asked to stop'));
            },
          });
          if (error !== undefined && fails === undefined) {
            expect(error).toMatchObject({ message: 'asked to stop' });
          }
        }
      });

      it('reverts, twice, with and without a result', async () => {
        const instance = task();
        if (instance.revert === undefined) return;
        await using ctx = await open();
        await instance.revert(ctx.revertContext());
        const { result } = await end(instance, ctx);
        await task().revert?.(ctx.revertContext(result));
        await task().revert?.(ctx.revertContext(result));
        await task().revert?.(ctx.revertContext());
      });
    });
  });
}

interface Ended {
  readonly result?: TaskResult;
  readonly error?: unknown;
  readonly made: readonly { readonly size: number; readonly format: string }[];
}

/** As the engine does: a task that skips is not executed. */
async function end(task: ImportTask, ctx: TestTaskContext): Promise<Ended> {
  const before = ctx.made.length;
  if (task.skipReason?.(ctx) !== undefined) return { made: [] };
  try {
    const result = await task.execute(ctx);
    const made = ctx.made.slice(before).map(({ data }) => ({
      size: data.size,
      format: data.inspection.format,
    }));
    return { result, made };
  } catch (error) {
    return { error, made: [] };
  }
}

function comparable({ result, error, made }: Ended): unknown {
  const { draft, virtualSize, size } = result ?? {};
  return { draft, virtualSize, size, made, error: error instanceof Error ? error.message : error };
}

function roundTrip<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function frozen(ctx: TestTaskContext): TestTaskContext {
  for (const part of [
    ctx.image,
    ctx.image.properties,
    ctx.data,
    ctx.data?.inspection,
    ctx.request,
  ]) {
    Object.freeze(part);
  }
  return ctx;
}
