import { describeFailure } from '../base/errors.js';
import { isPropertyName, isTakenName } from '../image/property-names.js';
import { claimCovers } from './claims.js';
import type { Planning, PlannedTask } from './planning.js';

/** A task with its place in the config file. */
export interface JudgedTask extends PlannedTask {
  readonly path: string;
}

/** Holds the properties that config has tasks write against the API's names and other plugins' claims. */
export function judgeWrites(planning: Planning, tasks: readonly JudgedTask[]): void {
  for (const task of tasks) {
    for (const property of writtenBy(task, planning)) {
      const problem = problemOf(property, task, tasks);
      if (problem === undefined) continue;
      const fix = 'Choose another name for the property, or leave it out';
      planning.add(task.entry.id, `${task.path}.config`, problem, fix);
    }
  }
}

function writtenBy({ loaded, config, entry }: JudgedTask, planning: Planning): readonly string[] {
  // A config that its schema refuses has no names to judge.
  if (config === undefined) return [];
  try {
    return loaded.manifest.writes?.(config) ?? [];
  } catch (error) {
    const problem = `its \`writes\` failed: ${describeFailure(error).message}`;
    planning.add(entry.id, '', problem, 'Report this to the author of the plugin');
    return [];
  }
}

function problemOf(
  property: string,
  { loaded }: JudgedTask,
  tasks: readonly JudgedTask[],
): string | undefined {
  if (!isPropertyName(property)) return `"${property}" cannot be the name of a property`;
  if (isTakenName(property)) return `the name "${property}" belongs to the Image API`;
  const owner = tasks.find(
    ({ loaded: other }) =>
      other.manifest.name !== loaded.manifest.name &&
      other.manifest.properties?.some((claim) => claimCovers(claim, property)) === true,
  );
  return owner === undefined
    ? undefined
    : `the property "${property}" belongs to the plugin "${owner.loaded.manifest.name}"`;
}
