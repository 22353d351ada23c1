import { createInspector } from '../../core/format/inspector.js';
import type { Inspection } from '../../core/format/inspection.js';
import { RULES, type SafetyRule } from '../../core/format/rules.js';
import { promise, type Seen } from './target.js';

const RULES_BY_NAME = new Map<string, SafetyRule>(RULES.map((rule) => [rule.rule, rule]));

/** Far above what an inspection takes; the machine may be busy. */
const MAX_MS = 1000;

/** The rows that keep an inspection are not for books. */
const MAX_RESULT_LENGTH = 64 * 1024;

/** Streams whose length is a multiple are inspected once more, with all rules relaxed. */
const RELAXED_EVERY = 3;

const ALL_RULES = new Set(RULES.map(({ rule }) => rule as string));

/**
 * Inspects bytes at once and in chunks of the lengths given, over and over, and checks what the
 * inspectors promise of every input.
 */
export function checkInspection(
  bytes: Uint8Array,
  chunks: readonly number[],
): { readonly inspection: Inspection; readonly seen: Seen } {
  const whole = timed(() => inspect(bytes, [Math.max(bytes.length, 1)]));
  const cut = timed(() => inspect(bytes, chunks));
  promise('result is independent of chunks', same(whole, cut), () => {
    return `${JSON.stringify(whole)} at once, ${JSON.stringify(cut)} in chunks of ${chunks.join()}`;
  });
  checkFindings(whole);
  checkNumbers(whole, bytes.length);
  if (bytes.length % RELAXED_EVERY === 0) checkRelaxed(bytes, whole);
  const rules = whole.findings.map(({ rule }) => `rule ${rule}`);
  return { inspection: whole, seen: [`format ${whole.format}`, ...rules] };
}

/** Feeds chunks that are wiped behind the inspector's back. */
function inspect(
  bytes: Uint8Array,
  chunks: readonly number[],
  relaxedRules: ReadonlySet<string> = new Set(),
): Inspection {
  const inspector = createInspector({ relaxedRules });
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = Math.max(1, chunks[turn % chunks.length] ?? bytes.length);
    if (at === 0 && length >= bytes.length) inspector.update(bytes);
    else {
      const chunk = Uint8Array.from(bytes.subarray(at, at + length));
      inspector.update(chunk);
      chunk.fill(0xaa);
    }
    at += length;
  }
  return inspector.finish();
}

/** A case is slow only if it is slow each time. */
function timed(work: () => Inspection): Inspection {
  let fastest = Infinity;
  for (let round = 0; ; round += 1) {
    const start = performance.now();
    const result = work();
    fastest = Math.min(fastest, performance.now() - start);
    if (fastest <= MAX_MS) return result;
    promise('inspection is quick', round < 2, () => `it takes ${Math.round(fastest)} ms`);
  }
}

function checkFindings({ findings, safe, format }: Inspection): void {
  for (const { rule, severity, offset, message, hint } of findings) {
    const known = RULES_BY_NAME.get(rule);
    promise('no inspector fails', rule !== 'inspector-failed', () => message);
    promise('findings are of known rules', known !== undefined, () => `"${rule}"`);
    promise('a finding has the severity of its rule', severity === known.severity, () => rule);
    promise('a finding has the hint of its rule', hint === known.hint, () => rule);
    promise('offsets are numbers', Number.isSafeInteger(offset) && offset >= 0, () => {
      return `${rule} at ${offset}`;
    });
    const isOfFormat =
      known.formats.includes('*') ||
      known.formats.includes(format) ||
      // It tells what its disks break, too.
      format === 'ova' ||
      findings.some((other) => other.rule === 'multiple-formats');
    promise('a rule names its formats', isOfFormat, () => `"${rule}" of "${format}"`);
    promise('a message is short', message.length < 700, () => `${rule}: ${message}`);
  }
  const isSafe = findings.every(({ severity }) => severity !== 'unsafe');
  promise('safe means without an unsafe finding', safe === isSafe, () => JSON.stringify(findings));
}

function checkNumbers(inspection: Inspection, size: number): void {
  const { virtualSize = 0 } = inspection;
  promise('the size is that of the stream', inspection.size === size, () => `${inspection.size}`);
  promise(
    'the virtual size is a number',
    Number.isSafeInteger(virtualSize) && virtualSize >= 0,
    () => `${virtualSize}`,
  );
  const text = JSON.stringify(inspection);
  promise('a result is JSON', same(JSON.parse(text) as Inspection, inspection), () => text);
  promise('a result is short', text.length < MAX_RESULT_LENGTH, () => `${text.length} characters`);
}

/** With all rules relaxed the same is found, and nothing is unsafe. */
function checkRelaxed(bytes: Uint8Array, strict: Inspection): void {
  if (strict.safe) return;
  const relaxed = inspect(bytes, [Math.max(bytes.length, 1)], ALL_RULES);
  promise('a relaxed rule refuses nothing', relaxed.safe, () => JSON.stringify(relaxed.findings));
  promise(
    'relaxing changes no finding but its severity',
    relaxed.findings.length === strict.findings.length &&
      relaxed.findings.every(({ rule }, at) => rule === strict.findings[at]?.rule),
    () => JSON.stringify(relaxed.findings),
  );
}

function same(one: Inspection, other: Inspection): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
