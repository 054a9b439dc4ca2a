/** Who may change a gate: a batch is applied once, for the present owner, version and generation. */
import { describe, expect, it } from 'vitest';
import { batchOf, newId, reserveCommand, snapshotOf } from './event-sample.ts';
import { answersOf, applied, type GateBench, zoneRow } from './gate-bench.ts';

export function describeOwners(bench: GateBench): void {
  describe('applies a batch once', () => {
    it('and answers a repetition from its record', async () => {
      const lease = await bench.openZone(2);
      const first = reserveCommand();
      const batch = batchOf(lease, 0, [
        first,
        reserveCommand({ key: first.key }),
        reserveCommand({ quantity: 9 }),
        reserveCommand(),
      ]);
      const answer = await bench.gate.apply(batch);
      expect(await bench.gate.apply(batch)).toEqual(answer);
      expect(await bench.gate.apply(batch)).toEqual(answer);
      expect(await bench.gate.read(lease)).toMatchObject({ available: 0, held: 2 });
    });

    it('without winners changes nothing: the version stays and no record is kept', async () => {
      const lease = await bench.openZone(1);
      const batch = batchOf(lease, 0, [reserveCommand({ quantity: 2 })]);
      await bench.gate.apply(batch);
      expect(await bench.gate.acquire(lease)).toEqual({ ok: true, version: 0, recorded: [] });
    });

    it('drops the records of batches that are settled, and no others', async () => {
      const lease = await bench.openZone(9);
      const batches = [0, 1, 2].map((version) => batchOf(lease, version, [reserveCommand()]));
      for (const batch of batches) await bench.gate.apply(batch);
      const [first, second, third] = batches.map(({ batchId }) => batchId) as [string, string, string];
      // Also a batch that lets nothing through carries them.
      await bench.gate.apply({ ...batchOf(lease, 3, [reserveCommand({ quantity: 99 })]), settled: [first, second] });
      expect(await bench.gate.acquire(lease)).toEqual({
        ok: true,
        version: 3,
        recorded: [{ batchId: third, version: 2 }],
      });
      expect(await bench.gate.undo(lease, first)).toBe(false);
    });
  });

  describe('refuses a batch and changes nothing', () => {
    it.each([
      ['of another generation', { generation: 2 }, 0, 'stale'],
      ['of an older generation', { generation: 0 }, 0, 'stale'],
      ['of a version that is past', {}, -1, 'stale'],
      ['of a version that is not yet', {}, 1, 'stale'],
      ['of an epoch that is past', { epoch: 0 }, 0, 'fenced'],
      ['of an epoch that has not been acquired', { epoch: 2 }, 0, 'stale'],
    ])('%s', async (_what, change, ahead, reason) => {
      const lease = await bench.openZone(5);
      await bench.reserved(lease);
      const batch = batchOf({ ...lease, ...change }, 1 + ahead, [reserveCommand()]);
      expect(await bench.gate.apply(batch)).toEqual({ ok: false, reason });
      expect(await bench.gate.read(lease)).toMatchObject({ available: 4, held: 1 });
    });

    it('of an event that the gate does not know', async () => {
      const lease = { eventId: newId(), zoneId: newId(), epoch: 1, generation: 1 };
      expect(await bench.gate.apply(batchOf(lease, 0, [reserveCommand()]))).toEqual({ ok: false, reason: 'stale' });
      expect(await bench.gate.acquire(lease)).toEqual({ ok: false, reason: 'stale' });
      await expect(bench.gate.undo(lease, newId())).rejects.toThrow('STALE_GATE');
      await expect(bench.gate.read(lease)).rejects.toThrow('STALE_GATE');
    });

    it('of a zone that the gate does not know', async () => {
      const lease = { ...(await bench.openZone(5)), zoneId: newId() };
      expect(await bench.gate.apply(batchOf(lease, 0, [reserveCommand()]))).toEqual({ ok: false, reason: 'stale' });
      expect(await bench.gate.acquire(lease)).toEqual({ ok: false, reason: 'stale' });
    });

    it('of the owner before, also one that was recorded', async () => {
      const lease = await bench.openZone(5);
      const batch = batchOf(lease, 0, [reserveCommand()]);
      await bench.gate.apply(batch);
      await bench.gate.acquire({ ...lease, epoch: 2 });
      expect(await bench.gate.apply(batch)).toEqual({ ok: false, reason: 'fenced' });
      expect(await bench.gate.apply(batchOf(lease, 1, [reserveCommand()]))).toEqual({ ok: false, reason: 'fenced' });
      await expect(bench.gate.undo(lease, batch.batchId)).rejects.toThrow('FENCED');
    });
  });

  describe('at a take-over', () => {
    it('tells the version and the batches that were not settled, and lets the new owner go on', async () => {
      const lease = await bench.openZone(9);
      const batches = [0, 1].map((version) => batchOf(lease, version, [reserveCommand()]));
      for (const batch of batches) await bench.gate.apply(batch);
      const next = { ...lease, epoch: 7 };
      const found = await bench.gate.acquire(next);
      expect(found).toMatchObject({ ok: true, version: 2 });
      expect(new Set(found.ok ? found.recorded : [])).toEqual(
        new Set(batches.map(({ batchId, version }) => ({ batchId, version }))),
      );
      expect(answersOf(await bench.gate.apply(batchOf(next, 2, [reserveCommand()])))).toEqual([applied]);
    });

    it('is fenced by a higher epoch', async () => {
      const lease = await bench.openZone(9);
      await bench.gate.acquire({ ...lease, epoch: 7 });
      expect(await bench.gate.acquire({ ...lease, epoch: 6 })).toEqual({ ok: false, reason: 'fenced' });
    });

    it('is stale at another generation', async () => {
      const lease = await bench.openZone(9);
      expect(await bench.gate.acquire({ ...lease, generation: 2 })).toEqual({ ok: false, reason: 'stale' });
    });

    it('does not show a zone that was rebuilt meanwhile', async () => {
      const lease = await bench.openZone(9);
      await bench.gate.rebuild(snapshotOf({ eventId: lease.eventId, generation: 2, zones: [zoneRow(lease, 4)] }));
      await expect(bench.gate.read(lease)).rejects.toThrow('STALE_GATE');
    });
  });
}
