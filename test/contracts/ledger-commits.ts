/** What a ledger makes of a batch: rows, counters, the outbox; or nothing at all when the batch contradicts it. */
import { describe, expect, it } from 'vitest';
import { type BookingMove, type BookingStatus, statusAfter, transitions } from '../../engine/booking.ts';
import { newId } from './event-sample.ts';
import { bookingCommand, type LedgerUnderTest, moveOf, todayMs, ZoneOfTest } from './ledger-bench.ts';

const statuses: readonly BookingStatus[] = ['reserved', 'confirmed', 'cancelled', 'expired', 'refunded'];
const moves = Object.keys(transitions) as readonly BookingMove[];

export function describeCommits(store: () => LedgerUnderTest): void {
  const counters = (zone: ZoneOfTest) => store().counters(zone.lease.zoneId);

  describe('commits', () => {
    it('bookings as the gate made them, at the zone’s price', async () => {
      const zone = await ZoneOfTest.open(store(), 100);
      const one = bookingCommand({ quantity: 3 });
      const other = bookingCommand({ quantity: 1 });
      await zone.committed([one, other]);
      expect(await zone.find(one.bookingId)).toMatchObject({
        bookingId: one.bookingId,
        eventId: zone.lease.eventId,
        zoneId: zone.lease.zoneId,
        userId: one.userId,
        quantity: 3,
        amountMinor: 750_000,
        currency: 'THB',
        status: 'reserved',
        createdAtMs: todayMs,
        expiresAtMs: one.expiresAtMs,
        firstExpiresAtMs: one.expiresAtMs,
        changedAtMs: null,
      });
      expect(await counters(zone)).toEqual({ capacity: 100, available: 96, held: 4, sold: 0, blocked: 0, version: 1 });
    });

    it('one outbox row with an event for each booking and move, in their order', async () => {
      const zone = await ZoneOfTest.open(store(), 100);
      const old = [await zone.reserved(), await zone.reserved(), await zone.reserved(), await zone.reserved()];
      const [kept, sold, dropped, late] = old.map(({ bookingId }) => bookingId) as [string, string, string, string];
      const made = bookingCommand({ quantity: 2 });
      await zone.committed(
        [made],
        [
          moveOf(kept, 'extend', todayMs + 900_000),
          moveOf(sold, 'confirm'),
          moveOf(dropped, 'cancel'),
          moveOf(late, 'expire'),
        ],
      );
      const told = await store().told(zone.lease.eventId);
      expect(told).toHaveLength(5);
      const { eventId, zoneId } = zone.lease;
      const envelope = { source: 'onsale', time: new Date(todayMs).toISOString() };
      const moved = (type: string, bookingId: string) => ({
        ...envelope,
        id: `${type}:${bookingId}`,
        type,
        subject: bookingId,
        data: { event_id: eventId, zone_id: zoneId },
      });
      expect(told.at(-1)).toEqual([
        {
          ...envelope,
          id: `booking.created:${made.bookingId}`,
          type: 'booking.created',
          subject: made.bookingId,
          data: {
            event_id: eventId,
            zone_id: zoneId,
            user_id: made.userId,
            quantity: 2,
            amount: 500_000,
            currency: 'THB',
            expires_at: new Date(made.expiresAtMs).toISOString(),
          },
        },
        moved('booking.confirmed', sold),
        moved('booking.cancelled', dropped),
        moved('booking.expired', late),
      ]);
    });

    it('no outbox row when nobody outside needs to hear of it', async () => {
      const zone = await ZoneOfTest.open(store(), 100);
      const { bookingId } = await zone.reserved();
      await zone.committed([], [moveOf(bookingId, 'extend', todayMs + 900_000)]);
      expect(await store().told(zone.lease.eventId)).toHaveLength(1);
    });

    it('an extension: the new end, and when the hold would have ended', async () => {
      const zone = await ZoneOfTest.open(store(), 100);
      const { bookingId, expiresAtMs } = await zone.reserved();
      await zone.committed([], [moveOf(bookingId, 'extend', todayMs + 900_000)]);
      expect(await zone.find(bookingId)).toMatchObject({
        status: 'reserved',
        expiresAtMs: todayMs + 900_000,
        firstExpiresAtMs: expiresAtMs,
        changedAtMs: null,
      });
    });

    it('an extension that is repeated with the first end of the hold as it was', async () => {
      const zone = await ZoneOfTest.open(store(), 10);
      const { bookingId, expiresAtMs } = await zone.reserved();
      for (let time = 0; time < 2; time++) await zone.committed([], [moveOf(bookingId, 'extend', todayMs + 900_000)]);
      const extended = { expiresAtMs: todayMs + 900_000, firstExpiresAtMs: expiresAtMs };
      expect(await zone.find(bookingId)).toMatchObject(extended);
    });

    it('65 535 seats in one booking', async () => {
      const zone = await ZoneOfTest.open(store(), 65_535);
      const { bookingId } = await zone.reserved({ quantity: 65_535 });
      expect(await zone.find(bookingId)).toMatchObject({ quantity: 65_535, amountMinor: 65_535 * 250_000 });
    });

    it('512 bookings and 512 moves in one batch', async () => {
      const zone = await ZoneOfTest.open(store(), 2_000);
      const old = Array.from({ length: 512 }, () => bookingCommand());
      await zone.committed(old);
      await zone.committed(
        Array.from({ length: 512 }, () => bookingCommand()),
        old.map(({ bookingId }) => moveOf(bookingId, 'confirm')),
      );
      expect(await counters(zone)).toMatchObject({ available: 976, held: 512, sold: 512, version: 2 });
    });
  });

  describe('moves bookings by their life cycle', () => {
    const cases = statuses.flatMap((status) => moves.map((move) => ({ status, move, to: statusAfter(status, move) })));

    it.each(cases.filter(({ to }) => to !== null))('$status → $move → $to', async ({ status, move, to }) => {
      const zone = await ZoneOfTest.open(store(), 10);
      const bookingId = await bookingIn(zone, status);
      const before = await counters(zone);
      await zone.committed([], [moveOf(bookingId, move)]);
      expect(await zone.find(bookingId)).toMatchObject({ status: to, changedAtMs: to === 'reserved' ? null : todayMs });
      const { available, held, sold } = transitions[move].shift;
      expect(await counters(zone)).toEqual({
        ...before,
        available: before.available + 3 * available,
        held: before.held + 3 * held,
        sold: before.sold + 3 * sold,
        version: before.version + 1,
      });
    });

    it.each(cases.filter(({ to }) => to === null))(
      '$status → $move contradicts the truth',
      async ({ status, move }) => {
        const zone = await ZoneOfTest.open(store(), 10);
        const bookingId = await bookingIn(zone, status);
        const neighbour = await zone.reserved();
        const made = bookingCommand();
        const before = await zone.state(bookingId, neighbour.bookingId, made.bookingId);
        const moved = [moveOf(neighbour.bookingId, 'confirm'), moveOf(bookingId, move)];
        expect(await zone.commit([made], moved)).toBe('conflict');
        expect(await zone.state(bookingId, neighbour.bookingId, made.bookingId)).toEqual(before);
        await zone.reserved();
      },
    );
  });

  describe('refuses a whole batch that contradicts the truth', () => {
    it('by a key that has made a booking', async () => {
      const zone = await ZoneOfTest.open(store(), 10);
      const { key, userId } = await zone.reserved();
      const fresh = bookingCommand();
      const again = bookingCommand({ key, userId });
      const before = await zone.state(fresh.bookingId, again.bookingId);
      expect(await zone.commit([fresh, again])).toBe('conflict');
      expect(await zone.state(fresh.bookingId, again.bookingId)).toEqual(before);
      await zone.committed([fresh]);
    });

    it('by a key that another zone of the event has seen', async () => {
      const zone = await ZoneOfTest.open(store(), 10);
      const other = await ZoneOfTest.open(store(), 10, zone.lease.eventId);
      const { key, userId } = await zone.reserved();
      expect(await other.commit([bookingCommand({ key, userId })])).toBe('conflict');
      const elsewhere = await ZoneOfTest.open(store(), 10);
      await elsewhere.committed([bookingCommand({ key, userId })]);
    });

    it.each(moves)('by %s of a booking that is not there', async (move) => {
      const zone = await ZoneOfTest.open(store(), 10);
      expect(await zone.commit([], [moveOf(newId(), move)])).toBe('conflict');
    });

    it('by a move of another zone’s booking', async () => {
      const zone = await ZoneOfTest.open(store(), 10);
      const other = await ZoneOfTest.open(store(), 10, zone.lease.eventId);
      const { bookingId } = await zone.reserved();
      await other.reserved();
      expect(await other.commit([], [moveOf(bookingId, 'confirm')])).toBe('conflict');
      expect(await zone.find(bookingId)).toMatchObject({ status: 'reserved' });
    });

    it('by more seats than the zone has', async () => {
      const zone = await ZoneOfTest.open(store(), 3);
      const command = bookingCommand({ quantity: 4 });
      const before = await zone.state(command.bookingId);
      expect(await zone.commit([command])).toBe('conflict');
      expect(await zone.state(command.bookingId)).toEqual(before);
    });
  });
}

/** A booking of three seats that went the shortest way to `status`. */
async function bookingIn(zone: ZoneOfTest, status: BookingStatus): Promise<string> {
  const { bookingId } = await zone.reserved({ quantity: 3 });
  const way: Readonly<Record<BookingStatus, readonly BookingMove[]>> = {
    reserved: [],
    confirmed: ['confirm'],
    cancelled: ['cancel'],
    expired: ['expire'],
    refunded: ['expire', 'write-off'],
  };
  for (const move of way[status]) await zone.committed([], [moveOf(bookingId, move)]);
  return bookingId;
}
