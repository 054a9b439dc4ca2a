/** How a zone's holds end, and what becomes of bookings that are moved. */
import { beforeEach, describe, expect, it } from 'vitest';
import { codeOf, ZoneBench } from '../test/sim/zone-bench.ts';
import type { LocalZone } from './zone.ts';
import { cancel, confirm, extend, reacquire, writeOff } from './zone-requests.ts';

describe('a zone', () => {
  let bench: ZoneBench;
  let zone: LocalZone;
  beforeEach(async () => {
    bench = new ZoneBench();
    zone = await bench.open();
  });

  describe('lets holds end', () => {
    it('by its own clock, at their time', async () => {
      const { bookingId, expiresAtMs } = await bench.reserved(zone, { quantity: 4 });
      await bench.world.runUntil(expiresAtMs - 1);
      expect(bench.statusOf(bookingId)).toBe('reserved');
      await bench.world.runUntil(expiresAtMs + 10);
      expect(bench.statusOf(bookingId)).toBe('expired');
      expect(bench.row).toMatchObject({ available: 10, held: 0 });
    });

    it('each at its own time, also when a later one was made first', async () => {
      const long = await bench.reserved(zone);
      const { bookingId } = long;
      await bench.moved((asked) => extend(zone, { bookingId, expiresAtMs: bench.now + 5_000 }, asked));
      const short = await bench.reserved(zone);
      await bench.world.runUntil(short.expiresAtMs + 10);
      expect([bench.statusOf(bookingId), bench.statusOf(short.bookingId)]).toEqual(['reserved', 'expired']);
      await bench.pass(5_000);
      expect(bench.statusOf(bookingId)).toBe('expired');
    });

    it('more of them at one moment than go into a batch', async () => {
      const outcomes = Array.from({ length: 10 }, () => bench.ask(zone));
      await bench.pass(50);
      expect(outcomes.map(([outcome]) => codeOf(outcome))).toEqual(outcomes.map(() => 'accepted'));
      await bench.pass(1_100);
      expect(bench.row).toMatchObject({ available: 10, held: 0 });
    });

    it('and gives the seats to whoever asks next, of the zone and of the user', async () => {
      for (const quantity of [4, 4]) await bench.reserved(zone, { userId: `u${quantity}`, quantity: 2 });
      await bench.reserved(zone, { userId: 'u', quantity: 4 });
      await bench.pass(1_100);
      await bench.reserved(zone, { userId: 'u', quantity: 4 });
    });

    it('but not of what was confirmed', async () => {
      const { bookingId } = await bench.reserved(zone);
      expect(await bench.moved((asked) => confirm(zone, bookingId, asked))).toBe('applied');
      await bench.pass(5_000);
      expect(bench.statusOf(bookingId)).toBe('confirmed');
    });
  });

  describe('moves bookings', () => {
    it('and knows when there is no such hold', async () => {
      const { bookingId } = await bench.reserved(zone);
      expect(await bench.moved((asked) => cancel(zone, bookingId, asked))).toBe('applied');
      for (const move of [cancel, confirm])
        expect(await bench.moved((asked) => move(zone, bookingId, asked))).toBe('absent');
      expect(await bench.moved((asked) => extend(zone, { bookingId, expiresAtMs: bench.now }, asked))).toBe('absent');
    });

    it('takes seats again for a hold that ran out, while there are any', async () => {
      const { bookingId } = await bench.reserved(zone, { userId: 'u', quantity: 4 });
      const booking = { bookingId, userId: 'u', quantity: 4 };
      await bench.pass(1_100);
      for (const quantity of [4, 4]) await bench.reserved(zone, { quantity });
      expect(await bench.moved((asked) => reacquire(zone, booking, asked))).toBe('too-few');
      await bench.pass(1_100);
      expect(await bench.moved((asked) => reacquire(zone, booking, asked))).toBe('applied');
      expect(bench.statusOf(bookingId)).toBe('confirmed');
    });

    it('closes a booking without seats whose money went back', async () => {
      const { bookingId } = await bench.reserved(zone);
      await bench.pass(1_100);
      expect(await bench.moved((asked) => writeOff(zone, bookingId, asked))).toBe('applied');
      expect(bench.statusOf(bookingId)).toBe('refunded');
    });

    it('finds out from the truth when a move is not possible, and the rest of its batch goes on', async () => {
      const { bookingId } = await bench.reserved(zone, { userId: 'u' });
      await bench.moved((asked) => confirm(zone, bookingId, asked));
      const neighbour = bench.ask(zone);
      const again = { bookingId, userId: 'u', quantity: 1 };
      expect(await bench.moved((asked) => reacquire(zone, again, asked))).toBe('absent');
      expect(codeOf(neighbour[0])).toBe('accepted');
      expect(await bench.moved((asked) => writeOff(zone, bookingId, asked))).toBe('absent');
      expect(bench.doubts).toEqual(['the truth answered conflict', 'the truth answered conflict']);
      expect(bench.calls).not.toContain('gate.rebuild');
    });

    it('one after the other, when two of one booking come together', async () => {
      const { bookingId } = await bench.reserved(zone);
      const results = [confirm, cancel].map((move) => bench.move((asked) => move(zone, bookingId, asked)));
      await bench.pass(50);
      expect([...results, bench.statusOf(bookingId)]).toEqual([['applied'], ['absent'], 'confirmed']);
    });

    it('and says that a hold is gone only when that is durable', async () => {
      const { bookingId } = await bench.reserved(zone);
      const inTruth: string[] = [];
      const deadlineMs = bench.now + 1_000;
      bench.slow.set('ledger.commit', 20);
      for (let time = 0; time < 3; time++)
        cancel(zone, bookingId, { deadlineMs, reply: () => inTruth.push(String(bench.statusOf(bookingId))) });
      const neighbour = bench.ask(zone);
      await bench.pass(100);
      expect(inTruth).toEqual(['cancelled', 'cancelled', 'cancelled']);
      expect(codeOf(neighbour[0])).toBe('accepted');
    });
  });
});
