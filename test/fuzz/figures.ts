import { RULES } from '../../core/format/rules.js';
import { keep } from './kept.js';
import type { BatchResult } from './orders.js';

/** What the run has come to so far. */
export class Figures {
  failures = 0;
  readonly #start = performance.now();
  readonly #seen = new Map<string, number>();
  #cases = 0;
  #cpuMs = 0;

  get seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  add(target: string, { cases, cpuMs, seen, failure }: BatchResult): void {
    this.#cases += cases;
    this.#cpuMs += cpuMs;
    for (const [what, count] of seen) this.#seen.set(what, (this.#seen.get(what) ?? 0) + count);
    if (failure === undefined) return;
    this.failures += 1;
    const { promise, message, saved } = failure;
    const file = keep({ target, promise, input: saved });
    console.error(`fuzz: a case of ${target} fails: ${message}\n  kept as ${file}`);
  }

  line(): string {
    const rate = Math.round(this.#cases / this.seconds);
    const cpu = Math.max(this.#cpuMs / 1000, 0.001);
    return (
      `fuzz: ${this.#cases} cases in ${Math.round(this.seconds)} s (${rate}/s), ` +
      `${Math.round(cpu)} s of CPU (${Math.round(this.#cases / cpu)}/s), ${this.failures} failures`
    );
  }

  summary(): string {
    const of = (prefix: string): readonly string[] =>
      [...this.#seen.keys()].filter((key) => key.startsWith(prefix)).sort();
    const missed = RULES.filter(({ rule }) => !this.#seen.has(`rule ${rule}`));
    const memory = of('memory ').map((key) => Number(key.split(' ')[1]));
    return [
      this.line(),
      `  formats reached: ${of('format ')
        .map((key) => key.slice('format '.length))
        .join(', ')}`,
      `  rules reached: ${RULES.length - missed.length} of ${RULES.length}; not: ${missed.map(({ rule }) => rule).join(', ')}`,
      `  memory kept by one inspection: at most ${Math.max(0, ...memory)} KiB in ${this.#measured()} measurements`,
    ].join('\n');
  }

  #measured(): number {
    const counts = [...this.#seen].filter(([key]) => key.startsWith('memory '));
    return counts.reduce((sum, [, count]) => sum + count, 0);
  }
}
