import type { PluginManifest } from './contract/manifest.js';

/** An enabled entry of a pipeline, as far as its place matters. */
export interface OrderedEntry {
  readonly id: string;
  /** Position in the file, entries that are not enabled counted. */
  readonly index: number;
  readonly manifest: Pick<PluginManifest, 'name' | 'position' | 'after' | 'before'>;
}

export interface OrderProblem {
  /** The entry that stands wrong; `undefined` for the pipeline as a whole. */
  readonly entry: OrderedEntry | undefined;
  readonly problem: string;
  readonly fix: string;
}

/** Judges one pipeline by what its plugins' manifests say of their places. */
export function orderProblems(entries: readonly OrderedEntry[]): readonly OrderProblem[] {
  return [
    ...missingEnds(entries),
    ...entries.flatMap((entry, at) => [
      ...misplaced(entry, entries.slice(0, at), entries.slice(at + 1)),
      ...outOfOrder(entry, entries.slice(0, at), entries.slice(at + 1)),
    ]),
  ];
}

/** The first task alone has the source of the bytes, and without a last one nothing keeps them. */
function* missingEnds(entries: readonly OrderedEntry[]): Iterable<OrderProblem> {
  const firsts = entries.filter(({ manifest }) => manifest.position === 'first');
  if (firsts.length === 0) {
    yield {
      entry: undefined,
      problem: 'no task brings the bytes into staging',
      fix: 'Begin the pipeline with "stage"',
    };
  }
  for (const entry of firsts.slice(1)) {
    yield {
      entry,
      problem: `it must be the first task, and so must "${firsts[0]?.id ?? ''}"`,
      fix: 'Keep one of them',
    };
  }
  if (!entries.some(({ manifest }) => manifest.position === 'last')) {
    yield {
      entry: undefined,
      problem: 'no task puts the bytes into a store',
      fix: 'End the pipeline with "store"',
    };
  }
}

function* misplaced(
  entry: OrderedEntry,
  ahead: readonly OrderedEntry[],
  behind: readonly OrderedEntry[],
): Iterable<OrderProblem> {
  const { position } = entry.manifest;
  const wrong =
    position === 'first'
      ? ahead.find(({ manifest }) => manifest.position !== 'first')
      : behind.find(({ manifest }) => manifest.position !== 'last');
  if (position === undefined || wrong === undefined) return;
  yield {
    entry,
    problem: `it must be the ${position} task, and "${wrong.id}" stands ${position === 'first' ? 'ahead of' : 'behind'} it`,
    fix: `Move it to the ${position === 'first' ? 'beginning' : 'end'} of the pipeline`,
  };
}

function* outOfOrder(
  entry: OrderedEntry,
  ahead: readonly OrderedEntry[],
  behind: readonly OrderedEntry[],
): Iterable<OrderProblem> {
  const { after = [], before = [] } = entry.manifest;
  for (const other of behind.filter(({ manifest }) => after.includes(manifest.name))) {
    const fix = `Move it behind "${other.id}"`;
    yield { entry, problem: `it must stand behind "${other.id}"`, fix };
  }
  for (const other of ahead.filter(({ manifest }) => before.includes(manifest.name))) {
    const fix = `Move it ahead of "${other.id}"`;
    yield { entry, problem: `it must stand ahead of "${other.id}"`, fix };
  }
}
