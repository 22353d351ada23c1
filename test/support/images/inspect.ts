import { createInspector, type InspectorOptions } from '../../../core/format/inspector.js';
import type { Inspection } from '../../../core/format/inspection.js';

/** Inspects bytes in chunks of one length; by default all at once. */
export function inspectBytes(
  bytes: Uint8Array,
  chunkLength = Math.max(bytes.length, 1),
  options: InspectorOptions = {},
): Inspection {
  const inspector = createInspector(options);
  for (let at = 0; at < bytes.length; at += chunkLength) {
    // A copy that is wiped shows an inspector that keeps a reference to its chunk.
    const chunk = Uint8Array.from(bytes.subarray(at, at + chunkLength));
    inspector.update(chunk);
    chunk.fill(0xaa);
  }
  return inspector.finish();
}

/** The rules that make an image unsafe. */
export function brokenRules({ findings }: Inspection): readonly string[] {
  return findings.filter(({ severity }) => severity === 'unsafe').map(({ rule }) => rule);
}
