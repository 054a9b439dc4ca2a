/** How long the calls took and what they were answered. Failures are counted beside the times, never mixed into them. */
import { build, type Histogram } from 'hdr-histogram-js';
import type { Observe } from './http-client.ts';

export interface CallFigures {
  readonly call: string;
  readonly answered: number;
  readonly unanswered: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Latencies {
  readonly observe: Observe;
  figures(): readonly CallFigures[];
}

interface Kept {
  readonly times: Histogram;
  readonly byStatus: Record<string, number>;
  unanswered: number;
}

/** Microseconds: a minute, which is longer than any call of ours may take. */
const longestUs = 60_000_000;

export function recordLatencies(): Latencies {
  const calls = new Map<string, Kept>();
  const keep = (call: string): Kept => {
    const times = build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: longestUs,
      numberOfSignificantValueDigits: 3,
    });
    const kept = { times, byStatus: {}, unanswered: 0 };
    calls.set(call, kept);
    return kept;
  };
  return {
    observe(call, status, ms) {
      const kept = calls.get(call) ?? keep(call);
      if (status === null) {
        kept.unanswered++;
        return;
      }
      kept.byStatus[status] = (kept.byStatus[status] ?? 0) + 1;
      kept.times.recordValue(Math.min(longestUs, Math.round(ms * 1_000)));
    },
    figures: () =>
      [...calls].map(([call, { times, byStatus, unanswered }]) => ({
        call,
        answered: times.totalCount,
        unanswered,
        byStatus,
        p50Ms: times.getValueAtPercentile(50) / 1_000,
        p99Ms: times.getValueAtPercentile(99) / 1_000,
        maxMs: times.maxValue / 1_000,
      })),
  };
}
