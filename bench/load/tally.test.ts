import { describe, expect, it } from 'vitest';
import { mergeTallies, openTally, packTally, recordInto, type Settled, type Tally } from './tally.ts';

const settled = (part: Partial<Settled>): Settled => ({
  intendedMs: 0,
  sentMs: part.intendedMs ?? 0,
  doneMs: 0,
  verdict: 'accepted',
  reason: '201',
  isUnknown: false,
  ...part,
});

/** Requests at each millisecond from `fromMs` on, each answered after as many milliseconds as `latencies` says. */
function tallyOf(fromMs: number, latencies: readonly number[], warmUpSeconds = 0): Tally {
  const tally = openTally();
  const recorder = recordInto(tally, 0, warmUpSeconds);
  latencies.forEach((ms, i) => {
    recorder.due(fromMs + i);
    recorder.settled(settled({ intendedMs: fromMs + i, doneMs: fromMs + i + ms }));
  });
  return tally;
}

const p = (tally: Tally, percentile: number) => tally.all.getValueAtPercentile(percentile) / 1_000;

describe('tally', () => {
  it('merges as if one process had seen it all', () => {
    const quick = new Array(990).fill(2);
    const slow = new Array(10).fill(500);
    const merged = mergeTallies([packTally(tallyOf(0, quick)), packTally(tallyOf(0, slow))]);
    // The mean of the two P99 would be 251.
    expect(p(merged, 98.9)).toBeCloseTo(2, 1);
    expect(p(merged, 99.1)).toBeCloseTo(500, -1);
    expect(merged.all.totalCount).toBe(1_000);
    expect(merged.accepted).toBe(1_000);
    expect(merged.reasons).toEqual({ 201: 1_000 });
    const whole = tallyOf(0, quick);
    expect(p(mergeTallies([packTally(whole)]), 50)).toBe(p(whole, 50));
  });

  it('adds up seconds, also when one process saw more of them', () => {
    const merged = mergeTallies([packTally(tallyOf(0, [1, 1])), packTally(tallyOf(2_000, [1]))]);
    expect(merged.seconds.map(({ offered, answers }) => [offered, answers.accepted])).toEqual([
      [2, 2],
      [0, 0],
      [1, 1],
    ]);
  });

  it('leaves the warm-up out of the figures, and keeps it where promises are checked', () => {
    const tally = tallyOf(999, [900, 1], 1);
    expect(tally.offered).toBe(1);
    expect(tally.all.totalCount).toBe(1);
    expect(tally.all.maxValue).toBeLessThan(2_000);
    expect(tally.accepted).toBe(2);
  });

  it('counts an answer in the second it came, and its latency in the second it was due', () => {
    const tally = tallyOf(900, [1_500]);
    expect(tally.seconds.map(({ answers }) => answers.accepted)).toEqual([0, 0, 1]);
    expect(tally.seconds.map(({ latencyUs }) => latencyUs.totalCount)).toEqual([1, 0, 0]);
  });

  it('keeps who got no answer among the latencies', () => {
    const tally = openTally();
    const recorder = recordInto(tally, 0, 0);
    recorder.settled(settled({ doneMs: 10_000, verdict: 'failed', reason: 'timeout', isUnknown: true }));
    recorder.settled(settled({ doneMs: 10_000, verdict: 'failed', reason: 'unsent', sentMs: null }));
    expect(tally.all.totalCount).toBe(2);
    expect(tally.fromSend.totalCount).toBe(1);
    expect(tally.unanswered).toBe(1);
    expect(tally.reasons).toEqual({ timeout: 1, unsent: 1 });
  });
});
