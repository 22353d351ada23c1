import type { SharedSeat } from '../dataflow/pass.js';
import type { ClientBody } from '../plugin/contract/source.js';

/** An import that this process is working on right now. */
export interface LiveImport {
  readonly id: string;
  /** Aborted on cancel, deletion and shutdown. */
  readonly controller: AbortController;
  /** The bytes of a running `PUT …/file`. */
  readonly body: ClientBody | undefined;
  /** Where a store task runs together with others: its place at their one reading of the bytes. */
  readonly seat?: SharedSeat;
}

/** What an import waits for that has let go of its worker. */
export type Parking =
  | { readonly on: 'time'; readonly until: Date }
  | { readonly on: 'staging' }
  | { readonly on: 'slot'; readonly entry: string };

/** The start number of this life of the worker. */
export interface Worker {
  readonly epoch: number;
}
export const Worker = Symbol('Worker');
