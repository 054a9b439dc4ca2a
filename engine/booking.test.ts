import { describe, expect, it } from 'vitest';
import { type BookingMove, type BookingStatus, statusAfter, transitions } from './booking.ts';

const statuses: readonly BookingStatus[] = ['reserved', 'confirmed', 'cancelled', 'expired', 'refunded'];

/** The whole life cycle, written down a second time: whatever is not here is refused. */
const allowed: Readonly<Record<BookingMove, Partial<Record<BookingStatus, BookingStatus>>>> = {
  extend: { reserved: 'reserved' },
  confirm: { reserved: 'confirmed' },
  cancel: { reserved: 'cancelled' },
  expire: { reserved: 'expired' },
  reacquire: { expired: 'confirmed' },
  refund: { confirmed: 'refunded' },
  'write-off': { expired: 'refunded', cancelled: 'refunded' },
};
const moves = Object.keys(allowed) as readonly BookingMove[];

/** Where the seats of a booking are counted. */
const seatsIn: Readonly<Record<BookingStatus, 'available' | 'held' | 'sold'>> = {
  reserved: 'held',
  confirmed: 'sold',
  cancelled: 'available',
  expired: 'available',
  refunded: 'available',
};

describe('the life cycle of a booking', () => {
  it('has every move', () => {
    expect(Object.keys(transitions).sort()).toEqual([...moves].sort());
  });

  it.each(moves.flatMap((move) => statuses.map((status) => ({ move, status, to: allowed[move][status] ?? null }))))(
    '$status, $move → $to',
    ({ move, status, to }) => {
      expect(statusAfter(status, move)).toBe(to);
    },
  );

  it.each(moves)('%s shifts the seats from where they were to where they are, and loses none', (move) => {
    const { from, to, shift } = transitions[move];
    expect(shift.available + shift.held + shift.sold).toBe(0);
    for (const status of from) {
      const expected = { available: 0, held: 0, sold: 0 };
      expected[seatsIn[status]] -= 1;
      expected[seatsIn[to]] += 1;
      expect(shift).toEqual(expected);
    }
  });
});
