/**
 * The places of the file protocol where a crash is interesting, in the order of a normal import.
 * Tests stop the process at each of them, see `test/e2e/crash`.
 */
export const CRASH_POINTS = [
  'stage:before-intent',
  'stage:intent-committed',
  'stage:bytes-durable',
  'stage:ready-committed',
  'adopt:before-intent',
  'adopt:intent-committed',
  'adopt:renamed',
  'adopt:ready-committed',
  'task:before-success',
  'task:success-committed',
  'store:before-intent',
  'store:intent-committed',
  'store:bytes-durable',
  'store:placed-committed',
  'activate:before-commit',
  'activate:committed',
  'revert:undone',
  'end:before-commit',
  'end:committed',
  'delete:before-commit',
  'delete:committed',
  'release:before-unlink',
  'release:unlinked',
  'release:dropped',
  'remove:before-delete',
  'remove:deleted',
  'remove:dropped',
  'sweep:before-unlink',
  'sweep:unlinked',
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

/** `NAME` or `NAME#N`: the N-th time the point is passed. */
const [wanted, occurrence = '1'] = (process.env['STOWAGE_CRASH_POINT'] ?? '').split('#');
let remaining = Number(occurrence);

/**
 * Kills the process with SIGKILL when the environment's `STOWAGE_CRASH_POINT` names this point: no
 * handler runs and nothing is flushed. Does nothing otherwise.
 */
export function crashPoint(name: CrashPoint): void {
  if (name !== wanted) return;
  remaining -= 1;
  if (remaining === 0) process.kill(process.pid, 'SIGKILL');
}
