import { describe, expect, it } from 'vitest';
import { judgeConservation } from './conservation.ts';

const zone = { id: 'z', capacity: 10, available: 7, bookings: '2', seats: '3' };
const rows = { bookings: 2, seats: 3, mostPerUser: 2 };
const limits = { maxPerUser: 2, promised: { accepted: 2, unanswered: 0 } };

describe('judgeConservation', () => {
  it('finds nothing where rows, counters and promises agree', () => {
    expect(judgeConservation([zone], rows, limits)).toEqual([]);
  });

  it('lets a request that nobody answered be a booking, or none', () => {
    expect(judgeConservation([zone], rows, { ...limits, promised: { accepted: 1, unanswered: 1 } })).toEqual([]);
    expect(judgeConservation([zone], rows, { ...limits, promised: { accepted: 2, unanswered: 1 } })).toEqual([]);
  });

  it.each([
    ['a counter that is off', [{ ...zone, available: 8 }], rows, limits],
    ['an oversold zone', [{ ...zone, available: -1, seats: '11' }], rows, limits],
    ['a lost booking', [zone], rows, { ...limits, promised: { accepted: 3, unanswered: 0 } }],
    ['a booking of nobody', [zone], rows, { ...limits, promised: { accepted: 1, unanswered: 0 } }],
    ['a user over the limit', [zone], { ...rows, mostPerUser: 3 }, limits],
  ] as const)('finds %s', (_what, zones, counted, known) => {
    expect(judgeConservation(zones, counted, known)).toHaveLength(1);
  });
});
