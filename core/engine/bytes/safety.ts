import { RejectedError } from '../../base/errors.js';
import { judgeDeclared } from '../../format/containers.js';
import type { Declared } from '../../format/containers.js';
import type { Finding, Inspection } from '../../format/inspection.js';

/** @throws {RejectedError} with the name of the first broken safety rule as `details.rule` */
export function assertSafe(inspection: Inspection): void {
  const error = unsafe(
    inspection,
    inspection.findings.filter(({ severity }) => severity === 'unsafe'),
  );
  if (error !== undefined) throw error;
}

/** Why bytes may not become this image's, whatever tasks have run; `undefined` where they may. */
export function unfit(
  inspection: Inspection,
  declared: Declared,
  relaxedRules: readonly string[],
): RejectedError | undefined {
  const found = judgeDeclared(inspection, declared);
  if (found === undefined || relaxedRules.includes(found.rule)) return undefined;
  return unsafe(inspection, [found]);
}

function unsafe({ format }: Inspection, broken: readonly Finding[]): RejectedError | undefined {
  const [first] = broken;
  if (first === undefined) return undefined;
  return new RejectedError({
    code: 'UNSAFE_IMAGE',
    message: `The image breaks the safety rule "${first.rule}" at byte ${first.offset}: ${first.message}`,
    hint: first.hint,
    details: { rule: first.rule, format, findings: broken },
  });
}
