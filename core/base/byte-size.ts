/** Bytes of each unit; `KiB` is 1024, `kB` is 1000. */
const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  pib: 2 ** 50,
};

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

const PATTERN = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/;

/**
 * Reads `50 GiB`, `1.5TiB`, `10 GB` or a plain number of bytes; upper and lower case alike.
 * @returns whole bytes, at most 2^53 − 1, or `undefined` when the text is not a size
 */
export function parseByteSize(text: string): number | undefined {
  const [, digits, unit] = PATTERN.exec(text.trim()) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  const factor = UNITS[unit === '' ? 'b' : unit.toLowerCase()];
  if (factor === undefined) return undefined;
  const bytes = Number(digits) * factor;
  return Number.isSafeInteger(bytes) ? bytes : wholeBytes(bytes);
}

function wholeBytes(bytes: number): number | undefined {
  const rounded = Math.round(bytes);
  return Number.isSafeInteger(rounded) ? rounded : undefined;
}

/** Writes bytes for people, with three significant digits: `1.5 GiB`, `512 B`. */
export function formatByteSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < BINARY.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits =
    Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${String(Number(value.toFixed(digits)))} ${BINARY[unit] ?? 'B'}`;
}

/** Writes bytes without loss, in the largest unit that divides them: {@link parseByteSize} reads it back. */
export function exactByteSize(bytes: number): string {
  for (let unit = BINARY.length - 1; unit > 0; unit -= 1) {
    const factor = 2 ** (10 * unit);
    if (bytes >= factor && bytes % factor === 0) {
      return `${String(bytes / factor)} ${BINARY[unit] ?? 'B'}`;
    }
  }
  return `${String(bytes)} B`;
}
