/** What a zone answers to who wants seats: batches, sold out, keys. Holds: zone-holds.test.ts; trouble: zone-doubt.test.ts. */
import { beforeEach, describe, expect, it } from 'vitest';
import { hashOf } from '../test/contracts/event-sample.ts';
import { codeOf, eventId, startMs, ZoneBench, zoneId } from '../test/sim/zone-bench.ts';
import type { LocalZone } from './zone.ts';
import { cancel, extend, reserve } from './zone-requests.ts';

describe('a zone', () => {
  let bench: ZoneBench;
  let zone: LocalZone;
  beforeEach(async () => {
    bench = new ZoneBench();
    zone = await bench.open();
  });

  describe('reserves', () => {
    it('and says so when the truth holds it, and not before', async () => {
      const outcomes = bench.ask(zone, { quantity: 2 });
      await bench.pass(3.5);
      expect(bench.calls).toEqual(['batch of 1', 'gate.apply', 'ledger.commit']);
      expect([outcomes, bench.ledger.tables.bookings.size]).toEqual([[], 1]);
      await bench.pass(1);
      const reservation = outcomes[0]?.ok ? outcomes[0].value : null;
      expect(reservation).toEqual({
        bookingId: expect.any(String),
        eventId,
        zoneId,
        quantity: 2,
        amountMinor: 200,
        currency: 'THB',
        createdAtMs: startMs + 50,
        expiresAtMs: startMs + 50 + 1_000,
        replayed: false,
      });
      expect(bench.statusOf(reservation?.bookingId ?? '')).toBe('reserved');
    });

    it('and says so as soon as the gate let it through, with `ack: gate`, and never again', async () => {
      const hasty = await bench.open(zoneId, { ack: 'gate' });
      const outcomes = bench.ask(hasty, { quantity: 2 });
      bench.failing.set('ledger.commit', 'before');
      await bench.pass(3.5);
      expect([outcomes.map(codeOf), bench.ledger.tables.bookings.size]).toEqual([['accepted'], 0]);
      await bench.pass(100);
      expect([outcomes.length, bench.row?.held, bench.doubts]).toEqual([1, 2, ['the truth did not answer']]);
    });

    it('in batches of all that waits, up to a limit', async () => {
      const outcomes = Array.from({ length: 20 }, () => bench.ask(zone, { userId: 'u', quantity: 9 }));
      await bench.pass(50);
      expect(bench.batches).toEqual(['batch of 8', 'batch of 8', 'batch of 4']);
      expect(outcomes.map(([outcome]) => codeOf(outcome))).toEqual(outcomes.map(() => 'MAX_PER_USER_EXCEEDED'));
    });

    it('judging the next batch while the one before is committed, but not further ahead', async () => {
      bench.slow.set('ledger.commit', 20);
      const outcomes = [0, 1, 2, 3].map(() => bench.ask(zone));
      for (const more of [4, 5]) {
        await bench.pass(4);
        outcomes.push(...Array.from({ length: more }, () => bench.ask(zone, { userId: 'u', quantity: 5 })));
        outcomes.push(bench.ask(zone));
      }
      await bench.pass(4);
      expect(bench.batches).toEqual(['batch of 4', 'batch of 5']);
      await bench.pass(100);
      expect(bench.row?.version).toBe(3);
      expect(outcomes.every((answers) => answers.length === 1)).toBe(true);
    });

    it('few only when nothing is under way, so that they become more', async () => {
      const wide = await bench.open(zoneId, { batchMax: 64 });
      bench.slow.set('ledger.commit', 20);
      const outcomes = [bench.ask(wide)];
      for (let i = 0; i < 3; i++) {
        await bench.pass(4);
        outcomes.push(bench.ask(wide));
      }
      expect(bench.batches).toEqual(['batch of 1']);
      await bench.pass(4);
      outcomes.push(bench.ask(wide));
      await bench.pass(1);
      expect(bench.batches).toEqual(['batch of 1', 'batch of 4']);
      await bench.pass(100);
      expect(outcomes.map(([outcome]) => outcome?.ok)).toEqual(outcomes.map(() => true));
    });

    it('few with those who ask before the turn after an answer', async () => {
      const wide = await bench.open(zoneId, { batchMax: 64 });
      const request = { userId: 'u', key: hashOf('u k'), fingerprint: hashOf('1'), quantity: 1 };
      const reply = () => queueMicrotask(() => bench.ask(wide));
      reserve(wide, { ...request, deadlineMs: bench.now + 10_000, reply });
      await bench.pass(3.5);
      bench.ask(wide);
      await bench.pass(50);
      expect(bench.batches).toEqual(['batch of 1', 'batch of 2']);
    });

    it('up to the limit of a user, and tells what counts', async () => {
      await bench.reserved(zone, { userId: 'u', quantity: 3 });
      expect(await bench.outcomeOf(zone, { userId: 'u', quantity: 2 })).toMatchObject({
        rejection: { code: 'MAX_PER_USER_EXCEEDED', details: { max: 4, current: 3, requested: 2 } },
      });
    });

    it('nothing of a zone that is not there', async () => {
      const nowhere = await bench.open('nowhere');
      expect(codeOf(await bench.outcomeOf(nowhere))).toBe('NOT_FOUND');
      expect(await bench.moved((asked) => cancel(nowhere, 'b', asked))).toBe('NOT_FOUND');
    });

    it('nothing that it cannot begin in time', async () => {
      await bench.pass(1);
      const outcomes = bench.ask(zone, { deadlineMs: bench.now - 1 });
      const results = bench.move((asked) => cancel(zone, 'b', { ...asked, deadlineMs: bench.now - 1 }));
      await bench.pass(50);
      expect([...outcomes.map(codeOf), ...results]).toEqual(['SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE']);
      expect(bench.calls).toEqual([]);
    });

    it('nothing, in its next turn, when its inbox is full', async () => {
      const outcomes = Array.from({ length: 52 }, () => bench.ask(zone));
      await bench.pass(0);
      const full = { ok: false, rejection: { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 } };
      expect(outcomes.slice(49)).toMatchObject([[], [full], [full]]);
      await bench.pass(50);
      expect(outcomes.map((answers) => answers.length)).toEqual(outcomes.map(() => 1));
    });
  });

  describe('under more than it can serve', () => {
    /** Asks `perMs` times a millisecond for `forMs`; how long those waited who were judged, and how many were turned away. */
    const rush = async (crowded: LocalZone, { perMs, forMs }: { perMs: number; forMs: number }) => {
      const waitsMs: number[] = [];
      let turnedAway = 0;
      let waiting: { readonly sinceMs: number; readonly outcomes: ReturnType<ZoneBench['ask']> }[] = [];
      for (const endMs = bench.now + forMs; bench.now < endMs; await bench.pass(1)) {
        for (let i = 0; i < perMs; i++) {
          waiting.push({ sinceMs: bench.now, outcomes: bench.ask(crowded, { userId: 'u', quantity: 9 }) });
        }
        for (const { sinceMs, outcomes } of waiting.filter(isAnswered)) {
          if (codeOf(outcomes[0]) === 'SERVICE_UNAVAILABLE') turnedAway++;
          else waitsMs.push(bench.now - sinceMs);
        }
        waiting = waiting.filter((one) => !isAnswered(one));
      }
      return { waitsMs, turnedAway };
    };
    const isAnswered = ({ outcomes }: { readonly outcomes: readonly unknown[] }) => outcomes.length > 0;

    it('lets nobody wait for longer than is allowed at its own pace, and keeps that pace', async () => {
      const crowded = await bench.open(zoneId, { waitMaxMs: 60, inboxMax: 1_000 });
      // A batch of 8 in 12 ms.
      bench.slow.set('gate.apply', 11);
      await rush(crowded, { perMs: 4, forMs: 500 });
      const { waitsMs, turnedAway } = await rush(crowded, { perMs: 4, forMs: 1_200 });
      expect(Math.max(...waitsMs)).toBeLessThanOrEqual(60 + 3 * 12);
      expect(waitsMs.length).toBeGreaterThanOrEqual(90 * 8);
      // As many are told in a turn as half a batch has.
      expect(turnedAway).toBeGreaterThanOrEqual(90 * 4);
    });

    it('turns away nobody who gives back or pays', async () => {
      const crowded = await bench.open(zoneId, { waitMaxMs: 60, inboxMax: 1_000 });
      bench.slow.set('gate.apply', 11);
      await rush(crowded, { perMs: 4, forMs: 500 });
      const outcomes = Array.from({ length: 50 }, () => bench.ask(crowded));
      const results = bench.move((asked) => cancel(crowded, 'b', asked));
      await bench.pass(200);
      expect(results).toEqual(['absent']);
      await bench.pass(3_000);
      expect(codeOf(outcomes.at(-1)?.[0])).toBe('SERVICE_UNAVAILABLE');
    });
  });

  describe('that is sold out', () => {
    beforeEach(async () => {
      for (const quantity of [4, 4, 1]) await bench.reserved(zone, { quantity });
      bench.calls.length = 0;
    });

    it('says so from memory, without a call', async () => {
      expect(await bench.outcomeOf(zone, { quantity: 2 })).toMatchObject({
        rejection: { code: 'INSUFFICIENT_STOCK', details: { requested: 2, available: 1, held_may_return: 9 } },
      });
      expect(bench.calls).toEqual([]);
      await bench.reserved(zone, { quantity: 1 });
    });

    it('answers very many at once from memory', async () => {
      const outcomes = Array.from({ length: 45 }, () => bench.ask(zone, { quantity: 2 }));
      await bench.pass(0);
      expect(outcomes.map(([outcome]) => codeOf(outcome))).toEqual(outcomes.map(() => 'INSUFFICIENT_STOCK'));
      expect(bench.calls).toEqual([]);
    });

    it('still sells what the very same batch gives back', async () => {
      const first = [...bench.ledger.tables.bookings.keys()][0] as string;
      const results = bench.move((asked) => cancel(zone, first, asked));
      const outcomes = bench.ask(zone, { quantity: 4 });
      await bench.pass(50);
      expect([...results, ...outcomes.map(codeOf)]).toEqual(['applied', 'accepted']);
      // The second tells the gate that the release is durable.
      expect(bench.batches).toEqual(['batch of 2', 'batch of 0']);
    });
  });

  describe('that knows a key', () => {
    const asBefore = { userId: 'u', key: 'k', quantity: 4 };

    it('answers with the booking it made, also when sold out', async () => {
      const first = await bench.reserved(zone, asBefore);
      for (const quantity of [4, 2]) await bench.reserved(zone, { quantity });
      expect(await bench.reserved(zone, asBefore)).toEqual({ ...first, replayed: true });
    });

    it('answers as the first time, also when the hold was extended or is over', async () => {
      const first = await bench.reserved(zone, asBefore);
      const { bookingId } = first;
      const expiresAtMs = first.expiresAtMs + 500;
      expect(await bench.moved((asked) => extend(zone, { bookingId, expiresAtMs }, asked))).toBe('applied');
      expect(await bench.reserved(zone, asBefore)).toEqual({ ...first, replayed: true });
      await bench.pass(2_000);
      expect(bench.statusOf(bookingId)).toBe('expired');
      expect(await bench.reserved(zone, asBefore)).toEqual({ ...first, replayed: true });
    });

    it('refuses another body under it', async () => {
      await bench.reserved(zone, asBefore);
      expect(codeOf(await bench.outcomeOf(zone, { ...asBefore, quantity: 3 }))).toBe('IDEMPOTENCY_MISMATCH');
    });

    it('does not mind the same word of another user', async () => {
      await bench.reserved(zone, asBefore);
      expect(await bench.reserved(zone, { ...asBefore, userId: 'v' })).toMatchObject({ replayed: false });
    });

    it('gives it a fresh try after a refusal', async () => {
      const { bookingId } = await bench.reserved(zone, { quantity: 4 });
      await bench.reserved(zone, { quantity: 4 });
      expect(codeOf(await bench.outcomeOf(zone, asBefore))).toBe('INSUFFICIENT_STOCK');
      await bench.moved((asked) => cancel(zone, bookingId, asked));
      expect(await bench.reserved(zone, asBefore)).toMatchObject({ replayed: false });
    });

    it.each([
      ['judged', 0],
      ['at the gate', 1.5],
      ['being committed', 3.5],
    ])('shares one outcome among all that ask while the first is %s', async (_where, afterMs) => {
      const first = bench.ask(zone, asBefore);
      await bench.pass(afterMs);
      const others = [bench.ask(zone, asBefore), bench.ask(zone, asBefore)];
      const different = bench.ask(zone, { ...asBefore, body: 'other' });
      await bench.pass(50);
      const booking = first[0]?.ok ? first[0].value : null;
      expect(booking).toMatchObject({ replayed: false });
      for (const other of others) expect(other).toEqual([{ ok: true, value: { ...booking, replayed: true } }]);
      expect(different.map(codeOf)).toEqual(['IDEMPOTENCY_MISMATCH']);
      expect(bench.ledger.tables.bookings.size).toBe(1);
    });

    it.each([
      ['with seats left', [4], 4],
      ['sold out', [4, 4, 1], 9],
    ])('longer than the gate does, %s: the truth answers', async (_stock, others, held) => {
      const first = await bench.reserved(zone, asBefore);
      await bench.pass(3 * 86_400_000);
      for (const quantity of others) await bench.reserved(zone, { quantity });
      expect(await bench.reserved(zone, asBefore)).toEqual({ ...first, replayed: true });
      expect(bench.row?.held).toBe(held);
      expect(bench.gate.look(eventId, zoneId)?.zone.held).toBe(held);
    });
  });
});
