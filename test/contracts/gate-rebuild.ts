/** A gate that is filled from the truth again, and why it must be. */
import { describe, expect, it } from 'vitest';
import type { GateAnswer, Lease } from '../../engine/ports.ts';
import { batchOf, countersOf, hashOf, newId, noonMs, reserveCommand, snapshotOf } from './event-sample.ts';
import { answersOf, applied, type GateBench, zoneRow } from './gate-bench.ts';

export function describeRebuild(bench: GateBench): void {
  describe('that is rebuilt', () => {
    it('has holds, users and keys of the snapshot and nothing of before', async () => {
      const [lease, other] = (await bench.openEvent(9, 9)) as [Lease, Lease];
      const lost = await bench.reserved(lease, { quantity: 2 });
      const hold = { bookingId: newId(), userId: newId(), quantity: 3, expiresAtMs: noonMs + 1 };
      const use = { key: hashOf(newId()), fingerprint: hashOf('body'), bookingId: hold.bookingId };
      await bench.gate.rebuild(
        snapshotOf({
          eventId: lease.eventId,
          generation: 2,
          zones: [
            { ...zoneRow(lease, 4), available: 5, held: 3, sold: 1, capacity: 9 },
            { ...zoneRow(other, 9), epoch: 5 },
          ],
          holds: [{ zoneId: lease.zoneId, ...hold }],
          users: [{ userId: hold.userId, seats: 3 }],
          keys: [{ ...use, createdAtMs: noonMs - 3_600_000 }],
        }),
      );
      const next = { ...lease, generation: 2 };
      expect(await bench.gate.isBuilt(lease.eventId, 1)).toBe(false);
      expect(await bench.gate.isBuilt(lease.eventId, 2)).toBe(true);
      expect(await bench.gate.acquire(next)).toEqual({ ok: true, version: 4, recorded: [] });
      expect(await bench.gate.acquire({ ...other, generation: 2 })).toEqual({ ok: false, reason: 'fenced' });
      expect(await bench.gate.read(next)).toEqual({ available: 5, held: 3, holds: [hold] });
      expect(
        await bench.answersTo(next, 4, [
          reserveCommand({ key: use.key }),
          reserveCommand({ userId: hold.userId, quantity: 9 }),
          reserveCommand({ key: lost.key, userId: lost.userId }),
          { kind: 'expire', bookingId: hold.bookingId, nowMs: noonMs + 1 },
        ]),
      ).toEqual([
        { result: 'replay', bookingId: use.bookingId, fingerprint: use.fingerprint },
        { result: 'too-few' },
        applied,
        applied,
      ]);
      expect(await bench.answersTo(next, 5, [reserveCommand({ userId: hold.userId, quantity: 11 })])).toEqual([
        { result: 'too-few' },
      ]);
    });

    it('takes more entries than one call can carry', async () => {
      const lease = await bench.openZone(0);
      const count = 7_001;
      const holds = Array.from({ length: count }, () => ({
        zoneId: lease.zoneId,
        bookingId: newId(),
        userId: newId(),
        quantity: 1,
        expiresAtMs: noonMs,
      }));
      await bench.gate.rebuild(
        snapshotOf({
          eventId: lease.eventId,
          generation: 2,
          zones: [{ ...zoneRow(lease, 0), ...countersOf(count), available: 0, held: count }],
          holds,
          users: holds.map(({ userId }) => ({ userId, seats: 1 })),
        }),
      );
      const view = await bench.gate.read({ ...lease, generation: 2 });
      expect(new Set(view.holds.map((hold) => hold.bookingId))).toEqual(new Set(holds.map((hold) => hold.bookingId)));
    });

    it('refuses everything until the last write', async () => {
      const lease = await bench.openZone(9);
      const { eventId } = lease;
      let during: GateAnswer[] = [];
      await bench.gate.rebuild({
        ...snapshotOf({ eventId, generation: 2, zones: [zoneRow(lease, 0)] }),
        async *users() {
          during = [
            await bench.gate.apply(batchOf(lease, 0, [reserveCommand()])),
            await bench.gate.apply(batchOf({ ...lease, generation: 2 }, 0, [reserveCommand()])),
          ];
          yield [];
        },
      });
      expect(during).toEqual([
        { ok: false, reason: 'stale' },
        { ok: false, reason: 'stale' },
      ]);
    });

    it('cannot be written by a rebuild that a later one has overtaken', async () => {
      const lease = await bench.openZone(9);
      const { eventId } = lease;
      const userId = newId();
      const overtaken = bench.gate.rebuild({
        ...snapshotOf({ eventId, generation: 2, zones: [zoneRow(lease, 0)] }),
        async *users() {
          await bench.gate.rebuild(snapshotOf({ eventId, generation: 3, zones: [zoneRow(lease, 5)] }));
          yield [{ userId, seats: 4 }];
        },
      });
      await expect(overtaken).rejects.toThrow('FENCED');
      expect(await bench.gate.isBuilt(eventId, 3)).toBe(true);
      const next = { ...lease, generation: 3 };
      expect(await bench.gate.acquire(next)).toMatchObject({ version: 5 });
      const probe = { ...batchOf(next, 5, [reserveCommand({ userId, quantity: 2 })]), maxPerUser: 1 };
      expect(answersOf(await bench.gate.apply(probe))).toEqual([{ result: 'over-limit', current: 0 }]);
      await expect(
        bench.gate.rebuild(snapshotOf({ eventId, generation: 2, zones: [zoneRow(lease, 0)] })),
      ).rejects.toThrow('FENCED');
      expect(await bench.gate.isBuilt(eventId, 3)).toBe(true);
    });

    it('may be begun again after one that ended in the middle', async () => {
      const lease = await bench.openZone(9);
      const { eventId } = lease;
      const broken = bench.gate.rebuild({
        ...snapshotOf({ eventId, generation: 2, zones: [zoneRow(lease, 0)] }),
        // biome-ignore lint/correctness/useYield: the truth goes away before the first chunk.
        async *users() {
          throw new Error('the truth went away');
        },
      });
      await expect(broken).rejects.toThrow('the truth went away');
      expect(await bench.gate.isBuilt(eventId, 2)).toBe(false);
      await bench.gate.rebuild(snapshotOf({ eventId, generation: 3, zones: [zoneRow(lease, 0)] }));
      expect(await bench.answersTo({ ...lease, generation: 3 }, 0, [reserveCommand()])).toEqual([applied]);
    });
  });

  describe('that lost its store', () => {
    it('refuses after a flush', async () => {
      const lease = await bench.openZone(9);
      await bench.reserved(lease);
      await bench.forget();
      expect(await bench.gate.apply(batchOf(lease, 1, [reserveCommand()]))).toEqual({ ok: false, reason: 'stale' });
      expect(await bench.gate.isBuilt(lease.eventId, 1)).toBe(false);
    });

    it('refuses after a restart, although all data is there', async () => {
      const lease = await bench.openZone(9);
      const batch = batchOf(lease, 0, [reserveCommand()]);
      await bench.gate.apply(batch);
      await bench.restart();
      const refusal = { ok: false, reason: 'stale' };
      expect(await bench.gate.apply(batch)).toEqual(refusal);
      expect(await bench.gate.apply(batchOf(lease, 1, [reserveCommand()]))).toEqual(refusal);
      expect(await bench.gate.acquire({ ...lease, epoch: 2 })).toEqual(refusal);
      expect(await bench.gate.isBuilt(lease.eventId, 1)).toBe(false);
      await bench.gate.rebuild(snapshotOf({ eventId: lease.eventId, generation: 2, zones: [zoneRow(lease, 1)] }));
      expect(await bench.answersTo({ ...lease, generation: 2 }, 1, [reserveCommand()])).toEqual([applied]);
    });
  });
}
