import { describe, expect, it } from 'vitest';
import { SimulatedWorld } from '../test/sim/world.ts';
import { ReleaseRate, waitEstimate } from './wait-estimate.ts';

const startMs = 1_000_000_000;

/**
 * A sale in which a slot is given on when its checkout ends, with what everybody who waits is told every second.
 * Answers which share of the intervals came true, and how wide they were beside the wait itself.
 */
function sell({ crowd, slots, idleMs, checkoutMs }: Sale): { readonly came: number; readonly width: number } {
  const rate = new ReleaseRate();
  rate.measured(startMs - idleMs, slots);
  rate.begin(startMs);
  const admittedAtMs = Array.from({ length: slots }, () => startMs);
  const ends = admittedAtMs.map((atMs) => atMs + checkoutMs());
  const told: { readonly atMs: number; readonly admitted: number; readonly rates: readonly number[] }[] = [];
  for (let atMs = startMs; admittedAtMs.length < crowd; atMs += 1_000) {
    told.push({ atMs, admitted: admittedAtMs.length, rates: rate.measured(atMs, slots) });
    for (let slot = 0; slot < slots; slot++)
      for (let endMs = ends[slot] ?? 0; endMs < atMs + 1_000; endMs = ends[slot] ?? 0) {
        rate.note(1, atMs);
        admittedAtMs.push(endMs);
        ends[slot] = endMs + checkoutMs();
      }
  }
  admittedAtMs.sort((a, b) => a - b);
  let [shown, cameTrue, width] = [0, 0, 0];
  for (const { atMs, admitted, rates } of told)
    for (let place = admitted; place < crowd; place++) {
      const terms = { maxConcurrent: slots, ratePerMinute: null };
      const { lowMs, highMs } = waitEstimate(place - admitted + 1, rates, terms) ?? { lowMs: 0, highMs: 0 };
      const waitMs = (admittedAtMs[place] ?? 0) - atMs;
      shown++;
      width += (highMs - lowMs) / Math.max(1_000, waitMs);
      // As a page shows it: whole seconds, outwards.
      if (Math.floor(lowMs / 1_000) * 1_000 <= waitMs && waitMs <= Math.ceil(highMs / 1_000) * 1_000) cameTrue++;
    }
  return { came: cameTrue / shown, width: width / shown };
}

interface Sale {
  readonly crowd: number;
  readonly slots: number;
  /** So long the room has been there before the first are let in. */
  readonly idleMs: number;
  readonly checkoutMs: () => number;
}

/** Between 2 and 20 s, and 20 for one of ten who does not show up. */
function someTime(seed: number): () => number {
  const { random } = new SimulatedWorld(seed, startMs);
  return () => (random.next() < 0.1 ? 20_000 : 2_000 + 18_000 * random.next());
}

describe('the interval of the wait', () => {
  it.each([
    { crowd: 500, slots: 100, idleMs: 0 },
    { crowd: 500, slots: 100, idleMs: 600_000 },
    { crowd: 2_000, slots: 100, idleMs: 10_000 },
    { crowd: 600, slots: 20, idleMs: 60_000 },
  ])('comes true from the first moments of a sale on: %o', (sale) => {
    for (const seed of [1, 2, 3]) expect(sell({ ...sale, checkoutMs: someTime(seed) }).came).toBeGreaterThan(0.95);
  });

  it('comes true when all take equally long, so that slots become free in bursts', () => {
    const { came } = sell({ crowd: 1_000, slots: 100, idleMs: 10_000, checkoutMs: () => 11_000 });
    expect(came).toBeGreaterThan(0.9);
  });

  it('is no wider for what was before the sale', () => {
    const [short, long] = [0, 600_000].map((idleMs) =>
      sell({ crowd: 2_000, slots: 100, idleMs, checkoutMs: someTime(7) }),
    );
    expect(long?.width).toBeCloseTo(short?.width ?? 0, 5);
    expect(long?.width).toBeLessThan(1.5);
  });

  it('is measured anew after a lull, and not because one slot was empty for a moment', () => {
    const rate = new ReleaseRate();
    rate.begin(startMs);
    for (let second = 1; second <= 60; second++) {
      rate.note(1, startMs + second * 1_000);
      rate.begin(startMs + second * 1_000);
    }
    const steady = rate.measured(startMs + 61_000, 1);
    expect(Math.min(...steady)).toBeCloseTo(0.001, 4);
    rate.begin(startMs + 90_000);
    expect(rate.measured(startMs + 91_000, 1)).toEqual([]);
  });
});
