/** The figures of one load, as a report keeps them. */
import type { Histogram } from 'hdr-histogram-js';
import type { Lateness, Load } from './load/job.ts';
import { requestsOf, secondsOf } from './load/schedule.ts';
import { type Tally, type Verdict, verdicts } from './load/tally.ts';
import type { ServerFigures } from './metrics-page.ts';

export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface SecondFigures {
  /** Since the beginning of the load; the warm-up is in the series. */
  readonly second: number;
  readonly offered: number;
  readonly answers: Readonly<Record<Verdict, number>>;
  /** Of the requests due in this second; null when there were none. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface Cost {
  /** Processor seconds of the measured time; null: unknown. */
  readonly cpuSeconds: Readonly<Record<'server' | 'redis' | 'postgres' | 'generator', number | null>>;
  /** Of the server's process, in MB. */
  readonly residentMb: { readonly before: number | null; readonly most: number | null; readonly after: number | null };
}

export interface LoadFigures {
  readonly label: string;
  /** The server measured. */
  readonly subject: string;
  readonly loop: Load['loop'];
  readonly spacing: Load['spacing'];
  readonly warmUpSeconds: number;
  readonly measuredSeconds: number;
  readonly connections: number;
  /** Requests that were due in the measured time; in closed loop, that were sent. */
  readonly offered: number;
  readonly offeredPerSecond: number;
  /** By the second in which the answers came. */
  readonly perSecond: Readonly<Record<Verdict, number>>;
  readonly counts: Readonly<Record<Verdict, number>>;
  /** By status, or why there was none. */
  readonly reasons: Readonly<Record<string, number>>;
  /** In milliseconds, from the intended time: of all requests, also those that nobody answered. */
  readonly all: Percentiles;
  readonly accepted: Percentiles;
  readonly refused: Percentiles;
  /** From the actual send, of all that were sent. */
  readonly fromSend: Percentiles;
  /** Most requests that were due and had not left, all generators added. */
  readonly backlogMax: number;
  /** Of the generators: latencies cannot be known better than this. */
  readonly lateness: Lateness;
  readonly seconds: readonly SecondFigures[];
  readonly cost: Cost;
  readonly server: ServerFigures | null;
}

export interface Measured {
  readonly subject: string;
  readonly load: Load;
  readonly tally: Tally;
  readonly cost: Cost;
  readonly lateness: Lateness;
  readonly server: ServerFigures | null;
}

export function figuresOf({ subject, load, tally, cost, lateness, server }: Measured): LoadFigures {
  const totalSeconds = secondsOf(load.profile);
  const measuredSeconds = totalSeconds - load.warmUpSeconds;
  const [first, end] = [Math.ceil(load.warmUpSeconds), Math.floor(totalSeconds)];
  const measured = tally.seconds.slice(first, end);
  const rate = (verdict: Verdict) =>
    measured.reduce((sum, { answers }) => sum + answers[verdict], 0) / Math.max(1, end - first);
  const { label, loop, spacing, warmUpSeconds, connections } = load;
  return {
    ...{ label, subject, loop, spacing, warmUpSeconds, measuredSeconds, connections },
    offered: tally.offered,
    offeredPerSecond: tally.offered / measuredSeconds,
    perSecond: ofEach(rate),
    counts: ofEach((verdict) => tally.byVerdict[verdict].totalCount),
    reasons: tally.reasons,
    all: percentiles(tally.all),
    accepted: percentiles(tally.byVerdict.accepted),
    refused: percentiles(tally.byVerdict.refused),
    fromSend: percentiles(tally.fromSend),
    backlogMax: tally.backlogMax,
    lateness,
    seconds: tally.seconds.map(({ offered, answers, latencyUs }, second) => ({
      ...{ second, offered, answers },
      p50Ms: percentileMs(latencyUs, 50),
      p99Ms: percentileMs(latencyUs, 99),
    })),
    cost,
    server,
  };
}

function ofEach(value: (verdict: Verdict) => number): Record<Verdict, number> {
  return Object.fromEntries(verdicts.map((verdict) => [verdict, value(verdict)])) as Record<Verdict, number>;
}

function percentiles(histogram: Histogram): Percentiles {
  const at = (percentile: number) => percentileMs(histogram, percentile) ?? 0;
  return {
    count: histogram.totalCount,
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    max: histogram.maxValue / 1_000,
  };
}

function percentileMs(histogram: Histogram, percentile: number): number | null {
  return histogram.totalCount === 0 ? null : histogram.getValueAtPercentile(percentile) / 1_000;
}

/** A second that misses among later ones is a mood of the machine; so many in a row are the state that was before. */
const calmSeconds = 3;

/**
 * Seconds after `fromSecond` until three seconds in a row have a P99 below `limitMs` and no failure; null when they do not
 * come.
 */
export function recoverySeconds(figures: LoadFigures, fromSecond: number, limitMs: number): number | null {
  const later = figures.seconds.filter(({ second, offered }) => second >= fromSecond && offered > 0);
  const isCalm = later.map(({ p99Ms, answers }) => (p99Ms ?? 0) < limitMs && answers.failed === 0);
  const first = isCalm.findIndex(
    (_, at) => at + calmSeconds <= isCalm.length && isCalm.slice(at, at + calmSeconds).every(Boolean),
  );
  return first === -1 ? null : first;
}

/** Requests that a load will make, for stock and limits that are to suffice; closed loops are guessed high. */
export function expectedRequests({ loop, profile, herd }: Load): number {
  const sockets = herd?.sockets ?? 0;
  return sockets + (loop === 'open' ? requestsOf(profile) : guessPerSecond * secondsOf(profile));
}

const guessPerSecond = 50_000;
