import fc from 'fast-check';
import type { JsonObject } from '../../core/base/json.js';
import { broken, type FuzzTarget } from './target.js';
import { clientInputTarget } from './targets/client-input.js';
import { inspectionTarget } from './targets/inspection.js';
import { luks2JsonTarget } from './targets/luks2-json.js';
import { ovfXmlTarget } from './targets/ovf-xml.js';
import { vmdkTextTarget } from './targets/vmdk-text.js';

/** A target whose cases are known to nobody but itself. */
export interface AnyTarget {
  readonly name: string;
  readonly weight: number;
  readonly replay: (saved: JsonObject) => void;
  /** Makes and judges cases; the first that fails comes back, smaller than it was made. */
  readonly run: (seed: number, cases: number) => Outcome;
  /** The case of this number in a run with this seed, unjudged. */
  readonly dump: (seed: number, index: number) => JsonObject;
}

export type Outcome = {
  readonly cases: number;
  readonly seen: ReadonlyMap<string, number>;
  readonly failure?: Failure;
};

export type Failure = {
  readonly promise: string;
  readonly message: string;
  readonly saved: JsonObject;
};

/** Time to make one failing case smaller in. */
const SHRINK_MS = 60_000;

export const TARGETS: readonly AnyTarget[] = [
  asAny(inspectionTarget),
  asAny(vmdkTextTarget),
  asAny(luks2JsonTarget),
  asAny(ovfXmlTarget),
  asAny(clientInputTarget),
];

/** Hides of what type the cases are. */
export function asAny<Case>(target: FuzzTarget<Case>): AnyTarget {
  return {
    name: target.name,
    weight: target.weight,
    replay: (saved) => {
      target.replay(saved);
    },
    run: (seed, cases) => run(target, seed, cases),
    dump(seed, index) {
      const made = fc.sample(target.cases, { seed, numRuns: index + 1 }).at(-1);
      if (made === undefined) throw new Error(`There is no case ${index}`);
      return target.save(made);
    },
  };
}

function run<Case>(target: FuzzTarget<Case>, seed: number, cases: number): Outcome {
  const seen = new Map<string, number>();
  let done = 0;
  const property = fc.property(target.cases, (made) => {
    done += 1;
    for (const what of new Set<string>(target.check(made))) {
      seen.set(what, (seen.get(what) ?? 0) + 1);
    }
  });
  const details = fc.check(property, { seed, numRuns: cases, endOnFailure: true });
  if (!details.failed) return { cases: done, seen };
  const smaller = fc.check(property, {
    seed,
    path: details.counterexamplePath ?? '',
    interruptAfterTimeLimit: SHRINK_MS,
  });
  const made = smaller.counterexample?.[0] ?? details.counterexample?.[0];
  if (made === undefined) throw new Error(`The seed ${seed} fails without a case`);
  return { cases: done, seen, failure: failureOf(target, made) };
}

function failureOf<Case>(target: FuzzTarget<Case>, made: Case): Failure {
  const saved = target.save(made);
  const replayed = (tried: JsonObject): string | undefined =>
    broken(() => {
      target.replay(tried);
    });
  const promise = replayed(saved) ?? 'fails once only';
  const least = target.shrink?.(saved, (tried) => replayed(tried) === promise) ?? saved;
  return {
    promise,
    message: messageOf(() => {
      target.replay(least);
    }),
    saved: least,
  };
}

function messageOf(work: () => void): string {
  try {
    work();
    return 'The case did not fail again';
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}
