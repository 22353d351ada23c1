import { formatByteSize } from '../base/byte-size.js';
import { systemCode } from '../base/errors.js';
import type { Finding, Inspection } from '../format/inspection.js';
import { inspectFile } from '../format/inspector.js';

/** What the command ends with: files that cannot be read outweigh those that are not safe. */
const EXIT = { safe: 0, unreadable: 1, unsafe: 3 } as const;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
};

/**
 * Inspects files one after the other and gives their results to `out`, a JSON object on one line for
 * each with `json`, else text for people.
 *
 * Answers with the exit code: 0 where all are safe, 3 where one is not, 1 where one cannot be read;
 * the others are inspected nevertheless.
 */
export async function inspectFiles(
  files: readonly string[],
  options: { readonly json: boolean },
  out: (line: string) => void,
): Promise<number> {
  let hasUnsafe = false;
  let hasUnreadable = false;
  for (const file of files) {
    const result = await tryInspect(file);
    const lines = options.json ? [asJson(file, result)] : asText(file, result);
    for (const line of lines) out(line);
    if ('error' in result) hasUnreadable = true;
    else if (!result.safe) hasUnsafe = true;
  }
  if (hasUnreadable) return EXIT.unreadable;
  return hasUnsafe ? EXIT.unsafe : EXIT.safe;
}

type Result = Inspection | { readonly error: string };

async function tryInspect(file: string): Promise<Result> {
  try {
    return await inspectFile(file);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = REASONS[systemCode(error) ?? ''];
    return { error: reason === undefined ? message : `Cannot read "${file}": ${reason}` };
  }
}

function asJson(file: string, result: Result): string {
  if ('error' in result) return JSON.stringify({ file, error: result.error });
  const { format, subformat, virtualSize, size, safe, findings, metadata } = result;
  return JSON.stringify({
    file,
    format,
    subformat: subformat ?? null,
    virtual_size: virtualSize ?? null,
    size,
    safe,
    findings: findings.map(({ rule, severity, offset, message, hint }) => ({
      rule,
      severity,
      offset,
      message,
      hint,
    })),
    metadata,
  });
}

function asText(file: string, result: Result): readonly string[] {
  if ('error' in result) return [result.error];
  const { format, subformat, virtualSize, size, safe, findings, metadata } = result;
  return [
    file,
    `  format        ${format}${subformat === undefined ? '' : ` (${subformat})`}`,
    `  virtual size  ${virtualSize === undefined ? 'unknown' : bytes(virtualSize)}`,
    `  size          ${bytes(size)}`,
    `  safe          ${safe ? 'yes' : 'no'}`,
    ...findings.flatMap(describe),
    ...Object.entries(metadata).flatMap(([key, value]) =>
      value === undefined ? [] : [`  ${key}: ${JSON.stringify(value)}`],
    ),
  ];
}

function describe({ rule, severity, offset, message, hint }: Finding): readonly string[] {
  return [`  ${severity} ${rule} at ${offset}: ${message}`, `    ${hint}`];
}

function bytes(count: number): string {
  return count < 1024 ? `${count} bytes` : `${count} bytes (${formatByteSize(count)})`;
}
