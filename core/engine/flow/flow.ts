import { unmetCondition } from '../../config/condition.js';
import type { ConditionSubject } from '../../config/condition.js';
import type { ImportsConfig } from '../../config/config.js';
import { InvalidInputError } from '../../base/errors.js';
import type { ImportMethod } from '../../plugin/contract/manifest.js';
import type { ResolvedEntry, ResolvedPipeline } from '../../plugin/plugins.js';
import type { FlowTask } from '../import.js';

export interface FlowInput {
  readonly pipelines: readonly ResolvedPipeline[];
  readonly method: ImportMethod;
  readonly subject: ConditionSubject;
  readonly config: Pick<ImportsConfig, 'uploads' | 'retry' | 'taskTimeoutMs'>;
}

/** The name of the method behind `PUT …/file`. */
export const UPLOAD_METHOD = 'upload';
/** The name of the method that imports what a client has staged before. */
export const STAGED_METHOD = 'glance-direct';

/**
 * Builds the frozen flow of one import. Pure: the same method, pipelines, image and request give the
 * same flow, and nothing is changed.
 *
 * @throws {InvalidInputError} `NO_PIPELINE` when no pipeline's condition holds.
 */
export function buildFlow(input: FlowInput): readonly FlowTask[] {
  const { subject } = input;
  const pipeline = input.pipelines.find(({ when }) => unmetCondition(when, subject) === undefined);
  if (pipeline === undefined) {
    throw new InvalidInputError({
      code: 'NO_PIPELINE',
      message: 'No configured pipeline takes this import',
      hint: 'Ask the operator: the conditions of imports.pipelines leave it out',
    });
  }
  return pipeline.tasks.flatMap((resolved) =>
    resolved.manifest.perStore === true
      ? subject.stores.map((store) => flowTask(resolved, input, store))
      : [flowTask(resolved, input, undefined)],
  );
}

function flowTask(
  { entry, manifest, frozenConfig }: ResolvedEntry,
  { method, config }: FlowInput,
  store: string | undefined,
): FlowTask {
  const { defaults } = manifest;
  const replacesData = manifest.replacesData === true;
  const judgesData = manifest.judgesData === true;
  const skip = skipByMethod(method, config.uploads, replacesData, judgesData);
  return {
    entry: entry.id,
    plugin: entry.plugin,
    config: frozenConfig,
    ...(store === undefined ? {} : { store }),
    ...(skip === undefined ? {} : { skip }),
    ...(entry.when === undefined ? {} : { when: entry.when }),
    replacesData,
    judgesData,
    timeoutMs: entry.timeoutMs ?? defaults?.timeoutMs ?? config.taskTimeoutMs,
    concurrency: entry.concurrency ?? defaults?.concurrency ?? Number.MAX_SAFE_INTEGER,
    retry: {
      ...config.retry,
      ...(defaults?.attempts === undefined ? {} : { attempts: defaults.attempts }),
      ...entry.retry,
      // A client sends the body of a request once.
      ...(method.name === UPLOAD_METHOD && manifest.position === 'first' ? { attempts: 1 } : {}),
    },
  };
}

function skipByMethod(
  method: ImportMethod,
  uploads: ImportsConfig['uploads'],
  replacesData: boolean,
  judgesData: boolean,
): string | undefined {
  if (method.data === 'existing' && (replacesData || judgesData)) {
    return 'The bytes of an active image are copied as they are';
  }
  if (method.inPlace === true && replacesData) return 'The bytes stay where they are';
  if (method.name === UPLOAD_METHOD && uploads === 'observe' && replacesData) {
    return 'PUT …/file does not replace data (imports.uploads is observe)';
  }
  return undefined;
}
