import type { Pipeline } from '../config/config.js';
import { claimsOverlap } from './claims.js';
import { judgeWrites } from './judge-writes.js';
import type { LoadedPackage } from './load.js';
import { orderProblems } from './order.js';
import type { PlannedPipeline, PlannedTask, Planning } from './planning.js';

interface PlacedTask extends PlannedTask {
  readonly index: number;
  /** In the config file. */
  readonly path: string;
}

/** Loads the enabled entries of every pipeline and judges what they are together. */
export async function planPipelines(planning: Planning): Promise<readonly PlannedPipeline[]> {
  const { pipelines } = planning.config.imports;
  const isShort = pipelines.length === 1 && pipelines[0]?.when === undefined;
  const planned: { readonly when: Pipeline['when']; readonly tasks: readonly PlacedTask[] }[] = [];
  for (const [at, pipeline] of pipelines.entries()) {
    const path = isShort ? 'imports.pipeline' : `imports.pipelines[${at}].tasks`;
    planned.push({ when: pipeline.when, tasks: await planPipeline(planning, pipeline, path) });
  }
  judgeTogether(planning, planned);
  judgeWrites(
    planning,
    planned.flatMap(({ tasks }) => tasks),
  );
  return planned;
}

async function planPipeline(
  planning: Planning,
  pipeline: Pipeline,
  path: string,
): Promise<readonly PlacedTask[]> {
  const tasks: PlacedTask[] = [];
  const faultsBefore = planning.faults.length;
  for (const [index, entry] of pipeline.tasks.entries()) {
    if (!entry.enabled) continue;
    const place = `${path}[${index}]`;
    if (tasks.some((task) => task.entry.id === entry.id)) {
      const fix = 'Give each entry an `id` of its own';
      planning.add(entry.id, place, `another entry has the id "${entry.id}"`, fix);
    }
    const loaded = await planning.load(entry.plugin, place);
    if (loaded === undefined) continue;
    if (loaded.manifest.task === undefined) {
      const fix = 'Remove it from the pipeline';
      planning.add(entry.id, place, 'the plugin brings no task', fix);
      continue;
    }
    const { config: schema } = loaded.manifest;
    const judged = planning.judge(entry.id, loaded, schema, entry.config, `${place}.config`);
    const { config, frozen = {} } = judged ?? {};
    tasks.push({ entry, loaded, index, path: place, config, frozen });
  }
  judgeOrder(planning, tasks, path, planning.faults.length > faultsBefore);
  return tasks;
}

function judgeOrder(
  planning: Planning,
  tasks: readonly PlacedTask[],
  path: string,
  isIncomplete: boolean,
): void {
  const entries = tasks.map(({ entry, index, loaded }) => ({
    id: entry.id,
    index,
    manifest: loaded.manifest,
  }));
  for (const { entry, problem, fix } of orderProblems(entries)) {
    // What could not be loaded may be what seems to be missing.
    if (entry === undefined && isIncomplete) continue;
    const place = entry === undefined ? path : `${path}[${entry.index}]`;
    planning.add(entry?.id ?? path, place, problem, fix);
  }
}

/** Names and property claims hold across all pipelines. */
function judgeTogether(planning: Planning, pipelines: readonly PlannedPipeline[]): void {
  const packages = new Map<string, LoadedPackage>();
  for (const { tasks } of pipelines) {
    for (const { loaded } of tasks) packages.set(loaded.file, loaded);
  }
  const all = [...packages.values()];
  all.forEach((one, at) => {
    for (const other of all.slice(0, at)) {
      if (one.manifest.name === other.manifest.name) {
        planning.add(
          one.specifier,
          '',
          `it has the name "${one.manifest.name}" as "${other.specifier}" has`,
          'Remove one of them from the pipelines',
        );
      }
      judgeClaims(planning, one, other);
    }
  });
}

function judgeClaims(planning: Planning, one: LoadedPackage, other: LoadedPackage): void {
  for (const claim of one.manifest.properties ?? []) {
    const taken = other.manifest.properties?.find((theirs) => claimsOverlap(claim, theirs));
    if (taken === undefined) continue;
    planning.add(
      one.specifier,
      '',
      `it claims the image properties "${claim}", and "${other.specifier}" claims "${taken}"`,
      'Remove one of them from the pipelines',
    );
  }
}
