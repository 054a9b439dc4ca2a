/** What the turns of a duel say: medians, and the ratio of each pair, which the mood of the machine touches least. */
import { medianOf } from '../report/compare.ts';
import type { WrkFigures } from './wrk.ts';

export interface Turn extends WrkFigures {
  /** Accepted. */
  readonly perSecond: number;
  /** Processor µs of a request. Of the other server only the sum of all its processes is known: under `server`. */
  readonly cost: Readonly<Record<'server' | 'redis' | 'postgres' | 'wrk', number | null>>;
}

export interface Pair {
  readonly ours: Turn;
  readonly other: Turn;
}

export function pairLine({ ours, other }: Pair): string {
  return `onsale ${turnText(ours)}; other ${turnText(other)}; × ${(ours.perSecond / other.perSecond).toFixed(2)}`;
}

function turnText({ perSecond, p50Ms, p99Ms, refused, unanswered }: Turn): string {
  const trouble = refused + unanswered > 0 ? ` (refused ${refused}, unanswered ${unanswered})` : '';
  return `${Math.round(perSecond)}/s, P50 ${p50Ms.toFixed(1)}, P99 ${p99Ms.toFixed(1)} ms${trouble}`;
}

/** A table of medians, then the ratio. */
export function readPairs(pairs: readonly Pair[]): readonly string[] {
  const ratios = pairs.map(({ ours, other }) => ours.perSecond / other.perSecond).sort((a, b) => a - b);
  const [least, most] = [ratios[0] ?? 0, ratios.at(-1) ?? 0];
  const ratio = medianOf(ratios, (value) => value) ?? 0;
  return [
    '| median | accepted/s | P50 ms | P99 ms | P99.9 ms | server µs | Redis µs | PostgreSQL µs | wrk µs |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|',
    tableRow(
      'onsale',
      pairs.map(({ ours }) => ours),
    ),
    tableRow(
      'other (server: all its processes)',
      pairs.map(({ other }) => other),
    ),
    '',
    `onsale ÷ other, median of ${pairs.length} pairs: ${ratio.toFixed(2)} (${least.toFixed(2)} – ${most.toFixed(2)})`,
  ];
}

function tableRow(name: string, turns: readonly Turn[]): string {
  const median = (of: (turn: Turn) => number | null, digits: number) => medianOf(turns, of)?.toFixed(digits) ?? '–';
  const cells = [
    median(({ perSecond }) => perSecond, 0),
    median(({ p50Ms }) => p50Ms, 1),
    median(({ p99Ms }) => p99Ms, 1),
    median(({ p999Ms }) => p999Ms, 1),
    ...(['server', 'redis', 'postgres', 'wrk'] as const).map((group) => median(({ cost }) => cost[group], 1)),
  ];
  return `| ${name} | ${cells.join(' | ')} |`;
}
