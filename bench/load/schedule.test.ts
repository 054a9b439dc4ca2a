import { describe, expect, it } from 'vitest';
import { chanceFrom } from '../chance.ts';
import { requestsOf, type Share, type Step, scheduleArrivals, secondsOf } from './schedule.ts';

const alone: Share = { index: 0, count: 1 };

function all(profile: readonly Step[], share: Share = alone, seed: number | null = null): number[] {
  const next = scheduleArrivals(profile, share, seed === null ? null : chanceFrom(seed));
  const times: number[] = [];
  for (let atMs = next(); atMs !== Number.POSITIVE_INFINITY; atMs = next()) times.push(atMs);
  return times;
}

describe('scheduleArrivals', () => {
  it('spaces arrivals evenly, from half a gap on', () => {
    expect(all([{ ratePerSecond: 4, seconds: 1 }])).toEqual([125, 375, 625, 875]);
  });

  it('keeps to every step of a profile', () => {
    const spike = [
      { ratePerSecond: 1_000, seconds: 2 },
      { ratePerSecond: 20_000, seconds: 1 },
      { ratePerSecond: 0, seconds: 1 },
      { ratePerSecond: 1_000, seconds: 2 },
    ];
    const times = all(spike);
    const within = (fromMs: number, toMs: number) => times.filter((atMs) => atMs >= fromMs && atMs < toMs).length;
    expect([within(0, 2_000), within(2_000, 3_000), within(3_000, 4_000), within(4_000, 6_000)]).toEqual([
      2_000, 20_000, 0, 2_000,
    ]);
    expect(times).toHaveLength(requestsOf(spike));
    expect(secondsOf(spike)).toBe(6);
  });

  it('shares arrivals out without losing or doubling one', () => {
    const profile = [
      { ratePerSecond: 700, seconds: 1 },
      { ratePerSecond: 300, seconds: 1 },
    ];
    const shares = [0, 1, 2].flatMap((index) => all(profile, { index, count: 3 })).sort((a, b) => a - b);
    const whole = all(profile);
    expect(shares).toHaveLength(whole.length);
    shares.forEach((atMs, i) => {
      expect(atMs).toBeCloseTo(whole[i] as number, 6);
    });
  });

  it('draws Poisson arrivals: the count of a second varies as much as its mean', () => {
    const times = all([{ ratePerSecond: 400, seconds: 500 }], alone, 7);
    expect(Math.abs(times.length / 500 - 400)).toBeLessThan(5);
    const counts = new Array(500).fill(0);
    for (const atMs of times) counts[Math.floor(atMs / 1_000)]++;
    const mean = times.length / 500;
    const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / 500;
    expect(variance / mean).toBeGreaterThan(0.8);
    expect(variance / mean).toBeLessThan(1.2);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(all([{ ratePerSecond: 400, seconds: 500 }], alone, 7)).toEqual(times);
  });
});
