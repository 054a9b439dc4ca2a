import { expect, it } from 'vitest';
import { confirmationsOf } from './confirmations.ts';

const row = (dueAtMs: number, confirmedAtMs: number) => ({ bookingId: `${dueAtMs}`, dueAtMs, confirmedAtMs });

it('counts confirmations of the measured time, and the waits of what was due in it', () => {
  const rows = [
    // Of the warm-up; confirmed in the measured time.
    row(10_000, 11_200),
    row(11_000, 11_100),
    row(12_000, 12_300),
    // Confirmed when the time was over.
    row(12_900, 13_400),
  ];
  expect(confirmationsOf(rows, 1, 2)).toEqual({
    perSecond: 1.5,
    slowestSecond: 1,
    latencyMs: { p50: 300, p99: 500, p999: 500, max: 500 },
    drainMs: 500,
  });
});

it('says that nothing was confirmed', () => {
  expect(confirmationsOf([], 1, 2)).toMatchObject({ perSecond: 0, slowestSecond: 0, drainMs: 0 });
});
