/** Taking the newest batch back. */
import { describe, expect, it } from 'vitest';
import type { GateBatch } from '../../engine/ports.ts';
import type { ZoneCommand } from '../../engine/zone.ts';
import { batchOf, newId, noonMs, reserveCommand } from './event-sample.ts';
import { answersOf, applied, type GateBench } from './gate-bench.ts';

export function describeUndo(bench: GateBench): void {
  describe('takes a batch back', () => {
    const moves: readonly [string, (bookingId: string) => ZoneCommand][] = [
      ['extend', (bookingId) => ({ kind: 'extend', bookingId, expiresAtMs: noonMs + 900_000 })],
      ['confirm', (bookingId) => ({ kind: 'confirm', bookingId })],
      ['cancel', (bookingId) => ({ kind: 'cancel', bookingId })],
      ['expire', (bookingId) => ({ kind: 'expire', bookingId, nowMs: noonMs + 600_000 })],
      ['write-off', () => ({ kind: 'write-off', bookingId: newId() })],
      ['reacquire', () => ({ kind: 'reacquire', bookingId: newId(), userId: newId(), quantity: 2 })],
      ['reserve', () => reserveCommand({ quantity: 2 })],
    ];
    it.each(moves)('that did %s', async (_kind, commandFor) => {
      const lease = await bench.openZone(9);
      const { bookingId, userId } = await bench.reserved(lease, { quantity: 3 });
      const before = await bench.gate.read(lease);
      const command = commandFor(bookingId);
      const batch = batchOf(lease, 1, [command]);
      expect(answersOf(await bench.gate.apply(batch))).toEqual([applied]);
      expect(await bench.gate.undo(lease, batch.batchId)).toBe(true);
      expect(await bench.gate.read(lease)).toEqual(before);
      expect(await bench.gate.acquire(lease)).toMatchObject({ version: 1 });
      // The users' totals are as before, too: three and six more seats are one too many at a limit of eight.
      const probe = { ...batchOf(lease, 1, [reserveCommand({ userId, quantity: 6 })]), maxPerUser: 8 };
      expect(answersOf(await bench.gate.apply(probe))).toEqual([{ result: 'over-limit', current: 3 }]);
      if (command.kind === 'reserve' || command.kind === 'reacquire') {
        const other = { ...batchOf(lease, 1, [reserveCommand({ userId: command.userId, quantity: 6 })]) };
        expect(answersOf(await bench.gate.apply({ ...other, maxPerUser: 5 }))).toEqual([
          { result: 'over-limit', current: 0 },
        ]);
      }
      // And the very same commands may pass again.
      expect(answersOf(await bench.gate.apply(batchOf(lease, 1, [command])))).toEqual([applied]);
    });

    it('that refunded', async () => {
      const lease = await bench.openZone(9);
      const sale = { bookingId: newId(), userId: newId(), quantity: 3 };
      await bench.gate.apply(batchOf(lease, 0, [{ kind: 'reacquire', ...sale }]));
      const before = await bench.gate.read(lease);
      const batch = batchOf(lease, 1, [{ kind: 'refund', ...sale }]);
      await bench.gate.apply(batch);
      expect(await bench.gate.undo(lease, batch.batchId)).toBe(true);
      expect(await bench.gate.read(lease)).toEqual(before);
      // The seats are sold again, and their user's: they may be refunded, once.
      const refund = { kind: 'refund', ...sale } as const;
      const probe = { ...batchOf(lease, 1, [reserveCommand({ userId: sale.userId, quantity: 6 })]), maxPerUser: 8 };
      expect(answersOf(await bench.gate.apply(probe))).toEqual([{ result: 'over-limit', current: 3 }]);
      expect(answersOf(await bench.gate.apply(batchOf(lease, 1, [refund])))).toEqual([applied]);
      expect(answersOf(await bench.gate.apply(batchOf(lease, 2, [refund])))).toEqual([{ result: 'absent' }]);
    });

    it('that did several things to one booking', async () => {
      const lease = await bench.openZone(9);
      const before = await bench.gate.read(lease);
      const command = reserveCommand({ quantity: 3 });
      const { bookingId } = command;
      const batch = batchOf(lease, 0, [
        command,
        { kind: 'extend', bookingId, expiresAtMs: noonMs + 900_000 },
        { kind: 'confirm', bookingId },
      ]);
      await bench.gate.apply(batch);
      await bench.gate.undo(lease, batch.batchId);
      expect(await bench.gate.read(lease)).toEqual(before);
    });

    it('only when it is the newest', async () => {
      const lease = await bench.openZone(9);
      const [first, second] = [0, 1].map((version) => batchOf(lease, version, [reserveCommand()])) as [
        GateBatch,
        GateBatch,
      ];
      await bench.gate.apply(first);
      await bench.gate.apply(second);
      await expect(bench.gate.undo(lease, first.batchId)).rejects.toThrow('STALE_ZONE');
      expect(await bench.gate.undo(lease, second.batchId)).toBe(true);
      expect(await bench.gate.undo(lease, second.batchId)).toBe(false);
      expect(await bench.gate.undo(lease, first.batchId)).toBe(true);
      expect(await bench.gate.read(lease)).toEqual({ available: 9, held: 0, holds: [] });
    });

    it('only for the owner', async () => {
      const lease = await bench.openZone(9);
      const batch = batchOf(lease, 0, [reserveCommand()]);
      await bench.gate.apply(batch);
      await expect(bench.gate.undo({ ...lease, epoch: 2 }, batch.batchId)).rejects.toThrow('STALE_ZONE');
      await expect(bench.gate.undo({ ...lease, generation: 2 }, batch.batchId)).rejects.toThrow('STALE_GATE');
    });
  });
}
