import { expect, it } from 'vitest';
import { Transit } from './transit.ts';

/** The sender's clock began 5 s after the receiver's, and the quickest way takes 2 ms. */
const apartMs = 5_002;

it('tells what a frame took longer than the quickest, whatever the clocks say', () => {
  const transit = new Transit();
  expect(transit.delayOf(1_000, 1_000 + apartMs)).toBe(0);
  expect(transit.delayOf(1_010, 1_010 + apartMs + 7)).toBe(7);
  expect(transit.delayOf(1_020, 1_020 + apartMs - 1)).toBe(0);
  expect(transit.delayOf(1_030, 1_030 + apartMs)).toBe(1);
});

it('knows how old the first frame after a pause of ten minutes is', () => {
  const transit = new Transit();
  transit.delayOf(1_000, 1_000 + apartMs);
  expect(transit.delayOf(2_000, 602_000 + apartMs)).toBe(600_000);
  expect(transit.delayOf(602_010, 602_010 + apartMs)).toBe(0);
});

it('follows clocks that drift apart', () => {
  const transit = new Transit();
  let worstMs = 0;
  for (let sentAtMs = 0; sentAtMs < 86_400_000; sentAtMs += 10_000) {
    const driftMs = sentAtMs / 10_000; // 100 µs a second
    worstMs = Math.max(worstMs, transit.delayOf(sentAtMs, sentAtMs + apartMs + driftMs));
  }
  expect(worstMs).toBeLessThan(20);
});
