import { RejectedError } from '../../base/errors.js';
import type { Inspection } from '../../format/inspection.js';

/** @throws {RejectedError} with the name of the first broken safety rule as `details.rule` */
export function assertSafe(inspection: Inspection): void {
  const broken = inspection.findings.filter(({ severity }) => severity === 'unsafe');
  const [first] = broken;
  if (first === undefined) return;
  throw new RejectedError({
    code: 'UNSAFE_IMAGE',
    message: `The image breaks the safety rule "${first.rule}" at byte ${first.offset}: ${first.message}`,
    hint: first.hint,
    details: { rule: first.rule, format: inspection.format, findings: broken },
  });
}
