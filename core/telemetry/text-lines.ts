import type { DestinationStream } from 'pino';

/**
 * Turns pino's JSON lines into lines for people:
 * `2026-01-02T03:04:05.678Z warn  message key=value …`, an error's stack below.
 */
export function textLines(target: DestinationStream): DestinationStream {
  return {
    write: (line) => {
      target.write(textLine(line));
    },
  };
}

function textLine(line: string): string {
  // pino itself has made the line: it is one JSON object.
  const { time, level, message, ...facts } = JSON.parse(line) as Record<string, unknown>;
  const { error, ...others } = facts;
  const pairs = Object.entries(others).map(([key, value]) => `${key}=${format(value)}`);
  const head = [text(time), text(level).padEnd(5), text(message), ...pairs].join(' ');
  return `${head}${errorLines(error)}\n`;
}

function errorLines(error: unknown): string {
  if (error === undefined) return '';
  if (typeof error !== 'object' || error === null) return ` error=${format(error)}`;
  // The stack names the causes as well.
  const { stack, message } = error as Record<string, unknown>;
  return `\n  ${text(stack ?? message ?? JSON.stringify(error)).replaceAll('\n', '\n  ')}`;
}

function format(value: unknown): string {
  const plain = typeof value === 'string' && /^[\w./:@+-]+$/.test(value);
  return plain ? value : JSON.stringify(value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}
