/** How a signature is to be read, in the words of Node's `verify.verify`. */
export type SignatureScheme =
  { readonly padding: number; readonly saltLength: number } | { readonly dsaEncoding: 'der' };

/** What the thread is to make of a file's bytes, in one reading. */
export interface ReadingJob {
  readonly path: string;
  /** Node's names. */
  readonly digests: readonly string[];
  readonly signature: SignatureJob | undefined;
}

export interface SignatureJob {
  readonly hash: string;
  /** PEM of the public key. */
  readonly key: string;
  readonly scheme: SignatureScheme;
  readonly value: Uint8Array;
}

export interface ReadingResult {
  /** Hex by algorithm. */
  readonly digests: Readonly<Record<string, string>>;
  /** `undefined` where no signature was asked for. */
  readonly signatureHolds: boolean | undefined;
}

/** Bytes read so far, or the end. */
export type ReadingMessage = { readonly done: number } | { readonly result: ReadingResult };
