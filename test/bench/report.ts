import { appendFile, readFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { goodness } from './scenario.js';
import type { Scenario } from './scenario.js';

/** Part by which a figure may fall behind the one kept before, without being told of. */
const TOLERANCE = 0.1;

/** What the rounds of one scenario gave, each in its order. */
export interface Figures {
  readonly scenario: Scenario;
  readonly own: readonly number[];
  /** Part of the processors' time that the host took while `own` was measured. */
  readonly stolen: readonly number[];
  readonly peer: readonly number[];
  readonly limit: readonly number[];
}

/** One scenario as it is printed, written and kept. */
export interface Result {
  readonly name: string;
  readonly unit: string;
  readonly own: number;
  readonly least: number;
  readonly most: number;
  /** Median part of the processors' time that the host took meanwhile. */
  readonly stolen: number;
  readonly peer: number | null;
  readonly limit: number | null;
  /** Medians of the ratios round by round; above 1 is better than the other. */
  readonly toPeer: number | null;
  readonly toLimit: number | null;
  /** Targets that were missed, in words. */
  readonly missed: readonly string[];
}

export interface Report {
  readonly at: string;
  readonly commit: string;
  readonly machine: string;
  readonly size: number;
  readonly rounds: number;
  readonly results: readonly Result[];
}

export function machine(): string {
  const model = cpus()[0]?.model ?? 'unknown';
  return `${cpus().length} × ${model}, Node ${process.version}, load ${(loadavg()[0] ?? 0).toFixed(1)}`;
}

export function summarised({ scenario, own, stolen, peer, limit }: Figures): Result {
  const ratio = (others: readonly number[]): number | null =>
    others.length === 0
      ? null
      : median(others.map((other, at) => goodness(scenario, own[at] ?? NaN, other)));
  const [toPeer, toLimit] = [ratio(peer), ratio(limit)];
  const { peerTarget, limitTarget, bound } = scenario;
  const value = median(own);
  const missed = [
    ...(toPeer !== null && peerTarget !== undefined && toPeer < peerTarget
      ? [`${peerTarget.toFixed(2)} × peer`]
      : []),
    ...(toLimit !== null && limitTarget !== undefined && toLimit < limitTarget
      ? [`${limitTarget.toFixed(2)} × limit`]
      : []),
    ...(bound !== undefined && value > bound ? [`at most ${bound} ${scenario.unit}`] : []),
  ];
  return {
    name: scenario.name,
    unit: scenario.unit,
    own: value,
    least: Math.min(...own),
    most: Math.max(...own),
    stolen: median(stolen),
    peer: peer.length === 0 ? null : median(peer),
    limit: limit.length === 0 ? null : median(limit),
    toPeer,
    toLimit,
    missed,
  };
}

const COLUMNS = [
  ...['scenario', 'median', 'least–most', 'stolen', 'peer', '× peer', 'limit', '× limit'],
  '',
];
const HEAD = `${row(COLUMNS)}\n${'-'.repeat(143)}`;

export function tableHead(): string {
  return HEAD;
}

export function tableRow(result: Result): string {
  const { name, unit, own, least, most, stolen, peer, limit, toPeer, toLimit, missed } = result;
  return row([
    name,
    `${shown(own)} ${unit}`,
    `${shown(least)}–${shown(most)}`,
    `${(stolen * 100).toFixed(0)} %`,
    shown(peer),
    shown(toPeer),
    shown(limit),
    shown(toLimit),
    missed.length === 0 ? '' : `misses ${missed.join(', ')}`,
  ]);
}

/** What has become worse than the last kept run of the same size by more than the tolerance. */
export async function slowerThanBefore(file: string, report: Report): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const kept = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Report)
    .filter(({ size }) => size === report.size);
  return report.results.flatMap((result) => {
    const before = kept
      .flatMap(({ results }) => results)
      .findLast(({ name }) => name === result.name);
    // Only ratios hold on another machine.
    const [now, then] = [result.toLimit, before?.toLimit ?? null];
    if (now === null || then === null || now >= then * (1 - TOLERANCE)) return [];
    return [`${result.name}: ${shown(now)} of the limit, was ${shown(then)}`];
  });
}

export async function keep(file: string, report: Report): Promise<void> {
  await appendFile(file, `${JSON.stringify(report)}\n`);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = NaN, high = NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

function shown(value: number | null): string {
  if (value === null) return '';
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function row(cells: readonly string[]): string {
  const [name = '', ...others] = cells;
  return [name.padEnd(52), ...others.map((cell) => cell.padStart(12))].join(' ').trimEnd();
}
