/** A gate's judgement of commands, one zone and several, and its memory of keys. */
import { describe, expect, it } from 'vitest';
import type { GateBatch, Lease } from '../../engine/ports.ts';
import type { ZoneCommand } from '../../engine/zone.ts';
import { batchOf, hashOf, newId, noonMs, reserveCommand } from './event-sample.ts';
import { answersOf, applied, type GateBench } from './gate-bench.ts';

export function describeJudging(bench: GateBench): void {
  describe('judges', () => {
    it('a reservation: seats become held, and the hold is there', async () => {
      const lease = await bench.openZone(5);
      const command = reserveCommand({ quantity: 2 });
      expect(await bench.gate.apply(batchOf(lease, 0, [command]))).toEqual({
        ok: true,
        available: 3,
        held: 2,
        answers: [applied],
      });
      const { bookingId, userId, quantity, expiresAtMs } = command;
      expect(await bench.gate.read(lease)).toEqual({
        available: 3,
        held: 2,
        holds: [{ bookingId, userId, quantity, expiresAtMs }],
      });
    });

    it('confirm: held seats become sold, and still count for their user', async () => {
      const lease = await bench.openZone(20);
      const { bookingId, userId } = await bench.reserved(lease, { quantity: 6 });
      expect(await bench.gate.apply(batchOf(lease, 1, [{ kind: 'confirm', bookingId }]))).toMatchObject({
        available: 14,
        held: 0,
        answers: [applied],
      });
      expect(await bench.answersTo(lease, 2, [reserveCommand({ userId, quantity: 5 })])).toEqual([
        { result: 'over-limit', current: 6 },
      ]);
    });

    it('cancel: the seats return to the zone at once, and to the user when the batch is settled', async () => {
      const lease = await bench.openZone(10);
      const { bookingId, userId } = await bench.reserved(lease, { quantity: 10 });
      const again = reserveCommand({ userId, quantity: 10 });
      const batch = batchOf(lease, 1, [{ kind: 'cancel', bookingId }, again]);
      expect(answersOf(await bench.gate.apply(batch))).toEqual([applied, { result: 'over-limit', current: 10 }]);
      const settling = { ...batchOf(lease, 2, [again]), settled: [batch.batchId] };
      expect(answersOf(await bench.gate.apply(settling))).toEqual([applied]);
    });

    it('extend: the hold ends later', async () => {
      const lease = await bench.openZone(10);
      const { bookingId } = await bench.reserved(lease);
      expect(await bench.answersTo(lease, 1, [{ kind: 'extend', bookingId, expiresAtMs: noonMs + 900_000 }])).toEqual([
        applied,
      ]);
      const { holds } = await bench.gate.read(lease);
      expect(holds.map((hold) => hold.expiresAtMs)).toEqual([noonMs + 900_000]);
    });

    it('expire: early until the hold is due, then the seats return', async () => {
      const lease = await bench.openZone(10);
      const { bookingId, expiresAtMs } = await bench.reserved(lease, { quantity: 3 });
      const expire = (nowMs: number): ZoneCommand => ({ kind: 'expire', bookingId, nowMs });
      expect(await bench.answersTo(lease, 1, [expire(expiresAtMs - 1)])).toEqual([{ result: 'early' }]);
      expect(await bench.answersTo(lease, 1, [expire(expiresAtMs)])).toEqual([applied]);
      expect(await bench.gate.read(lease)).toEqual({ available: 10, held: 0, holds: [] });
    });

    it('reacquire: free seats go straight to sold, within stock and limit', async () => {
      const lease = await bench.openZone(15);
      const userId = newId();
      const reacquire = (quantity: number): ZoneCommand => ({
        kind: 'reacquire',
        bookingId: newId(),
        userId,
        quantity,
      });
      expect(await bench.gate.apply(batchOf(lease, 0, [reacquire(4)]))).toMatchObject({ available: 11, held: 0 });
      expect(await bench.answersTo(lease, 1, [reacquire(12), reacquire(7)])).toEqual([
        { result: 'too-few' },
        { result: 'over-limit', current: 4 },
      ]);
    });

    it('refund: sold seats return, and count for their user until that is settled', async () => {
      const lease = await bench.openZone(9);
      const sale = { bookingId: newId(), userId: newId(), quantity: 4 };
      await bench.gate.apply(batchOf(lease, 0, [{ kind: 'reacquire', ...sale }]));
      const refund = batchOf(lease, 1, [{ kind: 'refund', ...sale }]);
      expect(await bench.gate.apply(refund)).toMatchObject({ available: 9, held: 0, answers: [applied] });
      const more = reserveCommand({ userId: sale.userId, quantity: 5 });
      const again = { ...batchOf(lease, 2, [more]), maxPerUser: 8 };
      expect(answersOf(await bench.gate.apply(again))).toEqual([{ result: 'over-limit', current: 4 }]);
      const settled = { ...again, batchId: newId(), settled: [refund.batchId] };
      expect(answersOf(await bench.gate.apply(settled))).toEqual([applied]);
      expect(await bench.answersTo(lease, 3, [{ kind: 'refund', ...sale }])).toEqual([{ result: 'absent' }]);
    });

    it('write-off: applied, and no seat moves', async () => {
      const lease = await bench.openZone(5);
      expect(await bench.gate.apply(batchOf(lease, 0, [{ kind: 'write-off', bookingId: newId() }]))).toEqual({
        ok: true,
        available: 5,
        held: 0,
        answers: [applied],
      });
    });

    it('absent, when there is no such hold', async () => {
      const lease = await bench.openZone(5);
      const bookingId = newId();
      const commands: ZoneCommand[] = [
        { kind: 'confirm', bookingId },
        { kind: 'cancel', bookingId },
        { kind: 'extend', bookingId, expiresAtMs: noonMs },
        { kind: 'expire', bookingId, nowMs: noonMs },
      ];
      expect(await bench.answersTo(lease, 0, commands)).toEqual(commands.map(() => ({ result: 'absent' })));
    });

    it('refusals in their order: earlier use of the key, then stock, then the limit', async () => {
      const lease = await bench.openZone(8);
      const first = await bench.reserved(lease, { quantity: 6 });
      const earlier = { result: 'replay', bookingId: first.bookingId, fingerprint: first.fingerprint };
      const { key, userId } = first;
      expect(
        await bench.answersTo(lease, 1, [
          reserveCommand({ key, userId, quantity: 99 }),
          reserveCommand({ userId, quantity: 99 }),
          reserveCommand({ quantity: 3 }),
          reserveCommand({ userId, quantity: 2 }),
        ]),
      ).toEqual([earlier, { result: 'too-few' }, { result: 'too-few' }, applied]);
      const other = await bench.openZone(100);
      const greedy = await bench.reserved(other, { quantity: 6 });
      expect(
        await bench.answersTo(other, 1, [
          reserveCommand({ key: greedy.key, userId: greedy.userId, quantity: 6, fingerprint: hashOf('other body') }),
          reserveCommand({ userId: greedy.userId, quantity: 5 }),
        ]),
      ).toEqual([
        { result: 'replay', bookingId: greedy.bookingId, fingerprint: greedy.fingerprint },
        { result: 'over-limit', current: 6 },
      ]);
    });

    it('the same key twice in one batch as one booking', async () => {
      const lease = await bench.openZone(5);
      const first = reserveCommand();
      const second = reserveCommand({ key: first.key, userId: first.userId });
      expect(await bench.answersTo(lease, 0, [first, second])).toEqual([
        applied,
        { result: 'replay', bookingId: first.bookingId, fingerprint: first.fingerprint },
      ]);
      expect(await bench.gate.read(lease)).toMatchObject({ available: 4, held: 1 });
    });

    it('commands of one batch in their order, on what those before have left', async () => {
      const lease = await bench.openZone(2);
      const first = reserveCommand({ quantity: 2 });
      const answers = await bench.answersTo(lease, 0, [
        first,
        reserveCommand(),
        { kind: 'cancel', bookingId: first.bookingId },
        { kind: 'confirm', bookingId: first.bookingId },
        reserveCommand({ quantity: 2 }),
      ]);
      expect(answers.map(({ result }) => result)).toEqual(['applied', 'too-few', 'applied', 'absent', 'applied']);
      expect(await bench.gate.read(lease)).toMatchObject({ available: 0, held: 2 });
    });

    it('65 535 seats in one reservation', async () => {
      const lease = await bench.openZone(65_536);
      const batch = { ...batchOf(lease, 0, [reserveCommand({ quantity: 65_535 })]), maxPerUser: 65_535 };
      expect(await bench.gate.apply(batch)).toMatchObject({ available: 1, held: 65_535, answers: [applied] });
      const { holds } = await bench.gate.read(lease);
      expect(holds[0]?.quantity).toBe(65_535);
      expect(await bench.gate.undo(lease, batch.batchId)).toBe(true);
      expect(await bench.gate.read(lease)).toEqual({ available: 65_536, held: 0, holds: [] });
    });

    it('512 commands in one batch, and takes them back', async () => {
      const lease = await bench.openZone(1_000);
      const commands = Array.from({ length: 512 }, () => reserveCommand());
      const batch = batchOf(lease, 0, commands);
      expect(answersOf(await bench.gate.apply(batch))).toEqual(commands.map(() => applied));
      const confirms = commands.map(({ bookingId }): ZoneCommand => ({ kind: 'confirm', bookingId }));
      const second = batchOf(lease, 1, confirms);
      expect(await bench.gate.apply(second)).toMatchObject({ available: 488, held: 0 });
      await bench.gate.undo(lease, second.batchId);
      const { holds, held } = await bench.gate.read(lease);
      expect(held).toBe(512);
      expect(new Set(holds.map((hold) => hold.bookingId))).toEqual(new Set(commands.map((c) => c.bookingId)));
      await bench.gate.undo(lease, batch.batchId);
      expect(await bench.gate.read(lease)).toEqual({ available: 1_000, held: 0, holds: [] });
    });
  });

  describe('over the zones of one event', () => {
    it("counts a user's seats together", async () => {
      const [one, other] = (await bench.openEvent(20, 20)) as [Lease, Lease];
      const { userId } = await bench.reserved(one, { quantity: 6 });
      expect(await bench.answersTo(other, 0, [reserveCommand({ userId, quantity: 5 })])).toEqual([
        { result: 'over-limit', current: 6 },
      ]);
      expect(await bench.answersTo(other, 0, [reserveCommand({ userId, quantity: 4 })])).toEqual([applied]);
      expect(await bench.answersTo(one, 1, [reserveCommand({ userId })])).toEqual([
        { result: 'over-limit', current: 10 },
      ]);
    });

    it('knows a key that was used in another zone', async () => {
      const [one, other] = (await bench.openEvent(20, 20)) as [Lease, Lease];
      const { key, bookingId, fingerprint } = await bench.reserved(one);
      expect(await bench.answersTo(other, 0, [reserveCommand({ key })])).toEqual([
        { result: 'replay', bookingId, fingerprint },
      ]);
    });

    it('does not sell on the strength of a release that may be taken back', async () => {
      const [one, other] = (await bench.openEvent(20, 20)) as [Lease, Lease];
      const { bookingId, userId } = await bench.reserved(one, { quantity: 10 });
      const release = batchOf(one, 1, [{ kind: 'expire', bookingId, nowMs: noonMs + 600_000 }]);
      expect(answersOf(await bench.gate.apply(release))).toEqual([applied]);
      const wanted = reserveCommand({ userId, quantity: 1 });
      expect(await bench.answersTo(other, 0, [wanted])).toEqual([{ result: 'over-limit', current: 10 }]);
      await bench.gate.undo(one, release.batchId);
      const again = { ...release, batchId: newId() };
      await bench.gate.apply(again);
      expect(await bench.answersTo(other, 0, [wanted])).toEqual([{ result: 'over-limit', current: 10 }]);
      // A batch without commands settles, and does so once.
      const settling = { ...batchOf(one, 2, []), settled: [again.batchId] };
      expect(await bench.gate.apply(settling)).toMatchObject({ available: 20, held: 0, answers: [] });
      await bench.reserved(other, { userId, quantity: 7 });
      await bench.gate.apply(settling);
      expect(await bench.answersTo(other, 1, [reserveCommand({ userId, quantity: 4 })])).toEqual([
        { result: 'over-limit', current: 7 },
      ]);
    });

    it("takes the batch of one back without the other's", async () => {
      const [one, other] = (await bench.openEvent(20, 20)) as [Lease, Lease];
      const userId = newId();
      const batch = batchOf(one, 0, [reserveCommand({ userId, quantity: 6 })]);
      await bench.gate.apply(batch);
      await bench.answersTo(other, 0, [reserveCommand({ userId, quantity: 4 })]);
      await bench.gate.undo(one, batch.batchId);
      expect(await bench.answersTo(other, 1, [reserveCommand({ userId, quantity: 7 })])).toEqual([
        { result: 'over-limit', current: 4 },
      ]);
    });
  });

  describe('remembers keys', () => {
    const dayMs = 86_400_000;
    const lateMs = noonMs + dayMs / 2 - 1;
    const at = (batch: GateBatch, nowMs: number): GateBatch => ({ ...batch, nowMs });

    it('over midnight, and until the end of the next day', async () => {
      const lease = await bench.openZone(10);
      const command = reserveCommand();
      const replay = { result: 'replay', bookingId: command.bookingId, fingerprint: command.fingerprint };
      const again = (version: number) => batchOf(lease, version, [reserveCommand({ key: command.key })]);
      await bench.gate.apply(at(batchOf(lease, 0, [command]), lateMs));
      expect(answersOf(await bench.gate.apply(at(again(1), lateMs + 1)))).toEqual([replay]);
      expect(answersOf(await bench.gate.apply(at(again(1), lateMs + dayMs)))).toEqual([replay]);
      expect(answersOf(await bench.gate.apply(at(again(1), lateMs + dayMs + 1)))).toEqual([applied]);
    });

    it('but not those of a batch that was taken back, also after midnight', async () => {
      const lease = await bench.openZone(10);
      const command = reserveCommand();
      const batch = at(batchOf(lease, 0, [command]), lateMs);
      await bench.gate.apply(batch);
      bench.clock.nowMs = lateMs + 1;
      await bench.gate.undo(lease, batch.batchId);
      const again = at(batchOf(lease, 0, [reserveCommand({ key: command.key })]), lateMs + 1);
      expect(answersOf(await bench.gate.apply(again))).toEqual([applied]);
    });
  });
}
