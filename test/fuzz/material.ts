import { corpusBytes, corpusRows } from '../support/corpus.js';
import { IMAGE_KINDS } from '../support/images/catalogue.js';
import type { LengthField, Patch } from '../support/images/writer.js';

/** An image that cases are made from. */
export interface Material {
  readonly name: string;
  /** Makes the image anew, with a change that its checksums cover; a real image takes none. */
  make(patch?: Patch): Uint8Array;
  readonly fields: readonly LengthField[];
  readonly length: number;
}

/** Larger images are left to the made ones, which are as large only where the format asks for it. */
const MAX_REAL_LENGTH = 1024 * 1024;

/** Made images, and the real and hostile ones of the corpus where it is present. */
export function materials(): readonly Material[] {
  return [...made(), ...real()];
}

function made(): readonly Material[] {
  return IMAGE_KINDS.map(({ name, make, fields }) => ({
    name,
    make,
    fields,
    length: make().length,
  }));
}

function real(): readonly Material[] {
  return corpusRows().flatMap((row) => {
    const image = corpusBytes(row);
    if (image.length === 0 || image.length > MAX_REAL_LENGTH) return [];
    return [{ name: row.path, make: () => image, fields: [], length: image.length }];
  });
}
