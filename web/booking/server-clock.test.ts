import { describe, expect, it } from 'vitest';
import { clockSetBy, secondsUntil } from './server-clock.ts';

describe('the shop clock', () => {
  it('shows the time that was said, in the middle of the journey, and goes on by the steady clock', () => {
    let steadyMs = 5_200;
    const clock = clockSetBy('2026-01-01T00:00:10.000Z', { askedAtMs: 5_000, cameAtMs: 5_200 }, () => steadyMs);
    expect(clock()).toBe(Date.parse('2026-01-01T00:00:10.100Z'));
    steadyMs += 60_000;
    expect(clock()).toBe(Date.parse('2026-01-01T00:01:10.100Z'));
  });
});

describe('seconds until', () => {
  it('are rounded up, so that 0 means over', () => {
    expect(secondsUntil(10_000, 0)).toBe(10);
    expect(secondsUntil(10_000, 9_001)).toBe(1);
    expect(secondsUntil(10_000, 9_999)).toBe(1);
    expect(secondsUntil(10_000, 10_000)).toBe(0);
  });

  it('are never negative', () => {
    expect(secondsUntil(10_000, 99_000)).toBe(0);
  });
});
