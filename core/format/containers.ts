import type { Finding, Inspection } from './inspection.js';
import { finding, RULES } from './rules.js';

/** What an image says of itself on the wire. */
export type Declared = {
  readonly diskFormat: string | null;
  readonly containerFormat: string | null;
};

const CONTAINERS: readonly string[] =
  RULES.find(({ rule }) => rule === 'container-as-disk')?.formats ?? [];

/** Kernels, ramdisks and machine images of Amazon: what their consumers load as it is. */
const LOADED_AS_IS: ReadonlySet<string> = new Set(['aki', 'ari', 'ami']);

/**
 * A finding where the bytes are only a container, and the image does not say so: its consumers would
 * read the container as if it were the disk inside.
 */
export function judgeDeclared(
  { format }: Pick<Inspection, 'format'>,
  { diskFormat, containerFormat }: Declared,
): Finding | undefined {
  if (!CONTAINERS.includes(format)) return undefined;
  const isDeclared =
    LOADED_AS_IS.has(diskFormat ?? '') ||
    LOADED_AS_IS.has(containerFormat ?? '') ||
    (containerFormat === 'docker' && format === 'tar') ||
    containerFormat === (format === 'ova' ? 'ova' : 'compressed');
  if (isDeclared) return undefined;
  return finding(
    'container-as-disk',
    0,
    `The data is "${format}", and the image says disk_format "${diskFormat ?? ''}", container_format "${containerFormat ?? ''}"`,
  );
}
