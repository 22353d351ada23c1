/** Milliseconds of each unit, largest first. */
const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

const PATTERN = /^(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)$/;

/**
 * Reads `250 ms`, `30 s`, `5 min`, `2 h` or `7 d`. A number without a unit is no duration.
 * @returns whole milliseconds, or `undefined` when the text is not a duration
 */
export function parseDuration(text: string): number | undefined {
  const [, digits, name] = PATTERN.exec(text.trim()) ?? [];
  const factor = UNITS.find(([unit]) => unit === name)?.[1];
  if (digits === undefined || factor === undefined) return undefined;
  const ms = Math.round(Number(digits) * factor);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** Writes milliseconds without loss, in the largest unit that divides them: `90 s`, `2 h`. */
export function exactDuration(ms: number): string {
  for (const [unit, factor] of UNITS) {
    if (ms >= factor && ms % factor === 0) return `${String(ms / factor)} ${unit}`;
  }
  return `${String(ms)} ms`;
}

/** Writes milliseconds for people, in at most two units: `1 h 5 min`, `12 s`, `0.4 s`. */
export function formatDuration(ms: number): string {
  if (ms < 10_000) return `${String(Number((ms / 1000).toFixed(1)))} s`;
  let rest = Math.round(ms / 1000) * 1000;
  const parts: string[] = [];
  for (const [unit, factor] of UNITS.slice(0, 4)) {
    const count = Math.floor(rest / factor);
    rest -= count * factor;
    if (count > 0) parts.push(`${String(count)} ${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}
