import type { JsonObject } from '../../core/base/json.js';
import type { Failure } from './targets.js';

/** What a worker is asked to do. */
export type Order =
  | { readonly do: 'run'; readonly target: string; readonly seed: number; readonly cases: number }
  | {
      readonly do: 'locate';
      readonly target: string;
      readonly seed: number;
      readonly cases: number;
    }
  | { readonly do: 'dump'; readonly target: string; readonly seed: number; readonly index: number };

/** What one batch of cases has come to. */
export type BatchResult = {
  readonly cases: number;
  readonly cpuMs: number;
  readonly seen: readonly (readonly [what: string, count: number])[];
  readonly failure?: Failure;
};

export type Answer = BatchResult | { readonly trying: number } | { readonly saved: JsonObject };
