import { describe, expect, it } from 'vitest';
import { pairLine, readPairs, type Turn } from './pairs.ts';

const turn = (perSecond: number, more: Partial<Turn> = {}): Turn => ({
  ...{ perSecond, requests: perSecond, seconds: 1, refused: 0, unanswered: 0, p50Ms: 1, p99Ms: 2, p999Ms: 3 },
  cost: { server: 30, redis: null, postgres: null, wrk: 10 },
  ...more,
});

describe('the pairs of a duel', () => {
  it('give the median of the ratios, not the ratio of sums: a slow hour met both', () => {
    const pairs = [
      { ours: turn(30_000), other: turn(20_000) },
      { ours: turn(3_000), other: turn(1_000) },
      { ours: turn(24_000), other: turn(20_000) },
    ];
    expect(readPairs(pairs).at(-1)).toBe('onsale ÷ other, median of 3 pairs: 1.50 (1.20 – 3.00)');
    expect(readPairs(pairs)[2]).toBe('| onsale | 24000 | 1.0 | 2.0 | 3.0 | 30.0 | – | – | 10.0 |');
  });

  it('name who was turned away or got no answer', () => {
    const line = pairLine({ ours: turn(100, { refused: 2, unanswered: 1 }), other: turn(50) });
    expect(line).toContain('(refused 2, unanswered 1)');
    expect(line).toMatch(/× 2\.00$/);
  });
});
