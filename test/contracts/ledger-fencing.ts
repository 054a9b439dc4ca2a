/** Who may change the truth: the zone's present owner, at its present version, under its present generation. */
import { describe, expect, it } from 'vitest';
import type { EventSnapshot } from '../../engine/ports.ts';
import { newId } from './event-sample.ts';
import { bookingCommand, type LedgerUnderTest, moveOf, terms, todayMs, ZoneOfTest } from './ledger-bench.ts';

export function describeFencing(store: () => LedgerUnderTest): void {
  const ledger = () => store().ledger;
  const never = async () => false;

  describe('acquire', () => {
    it('is null for a zone that is not there', async () => {
      expect(await ledger().acquire(newId())).toBeNull();
    });

    it('raises the epoch each time and tells version and terms', async () => {
      const zone = await ZoneOfTest.open(store(), 10);
      const { lease } = zone;
      expect(zone.acquired).toEqual({ lease: { ...lease, epoch: 1 }, version: 0, previousEpoch: 0, terms });
      await zone.reserved();
      expect(await ledger().acquire(lease.zoneId)).toEqual({
        lease: { ...lease, epoch: 2 },
        version: 1,
        previousEpoch: 1,
        terms,
      });
    });

    it('fences the owner before', async () => {
      const zone = await ZoneOfTest.open(store(), 10);
      const next = await ZoneOfTest.acquire(store(), zone.lease.zoneId);
      const before = await zone.state();
      expect(await zone.commit([bookingCommand()])).toBe('stale');
      expect(await zone.state()).toEqual(before);
      await next.reserved();
    });

    it('says surely whether a batch that was under way is in: by its version', async () => {
      const zone = await ZoneOfTest.open(store(), 100);
      for (let round = 0; round < 10; round++) {
        const command = bookingCommand();
        const owner = await ZoneOfTest.acquire(store(), zone.lease.zoneId);
        const underWay = owner.commit([command]);
        const next = await ZoneOfTest.acquire(store(), zone.lease.zoneId);
        expect((await owner.find(command.bookingId)) !== null).toBe(next.version > owner.acquired.version);
        expect(await underWay).toBe(next.version > owner.acquired.version ? 'committed' : 'stale');
      }
    });
  });

  describe('a batch is stale and changes nothing', () => {
    it.each([
      ['at a version that is past', {}, -1],
      ['at a version that is not yet', {}, 1],
      ['under an epoch that is past', { epoch: 0 }, 0],
      ['under an epoch that is not yet', { epoch: 2 }, 0],
      ['under another generation', { generation: 1 }, 0],
      ['for another event', { eventId: newId() }, 0],
    ])('%s', async (_what, change, ahead) => {
      const zone = await ZoneOfTest.open(store(), 10);
      const { bookingId } = await zone.reserved();
      const made = bookingCommand();
      const before = await zone.state(bookingId, made.bookingId);
      const batch = zone.batch([made], [moveOf(bookingId, 'confirm')]);
      const lease = { ...batch.lease, ...change };
      expect(await ledger().commit({ ...batch, lease, version: batch.version + ahead })).toBe('stale');
      expect(await zone.state(bookingId, made.bookingId)).toEqual(before);
    });

    it('also when it repeats one that was taken', async () => {
      const zone = await ZoneOfTest.open(store(), 10);
      const batch = zone.batch([bookingCommand()]);
      expect(await ledger().commit(batch)).toBe('committed');
      expect(await ledger().commit(batch)).toBe('stale');
      expect(await store().counters(zone.lease.zoneId)).toMatchObject({ held: 1 });
    });
  });

  it('takes two batches that are under way together in their order, and none after one that failed', async () => {
    const zone = await ZoneOfTest.open(store(), 10);
    const first = zone.batch([bookingCommand()]);
    const second = { ...zone.batch([bookingCommand()]), version: 1 };
    expect(await Promise.all([ledger().commit(first), ledger().commit(second)])).toEqual(['committed', 'committed']);
    const taken = first.made[0];
    const failing = { ...zone.batch(taken ? [taken] : []), version: 2 };
    const after = { ...zone.batch([bookingCommand()]), version: 3 };
    expect(await Promise.all([ledger().commit(failing), ledger().commit(after)])).toEqual(['conflict', 'stale']);
  });

  describe('rebuild', () => {
    it('hands over everything that the gate must know', async () => {
      const zone = await ZoneOfTest.open(store(), 100);
      const other = await ZoneOfTest.open(store(), 50, zone.lease.eventId);
      const stranger = await ZoneOfTest.open(store(), 50);
      await stranger.reserved();
      const userId = newId();
      const held = await zone.reserved({ userId, quantity: 2 });
      const sold = await other.reserved({ userId, quantity: 3 });
      const gone = await zone.reserved({ userId, quantity: 4 });
      await other.committed([], [moveOf(sold.bookingId, 'confirm')]);
      await zone.committed([], [moveOf(gone.bookingId, 'cancel'), moveOf(held.bookingId, 'extend', todayMs + 700_000)]);
      const old = bookingCommand();
      const longAgo = { ...zone.batch([old]), nowMs: todayMs - 49 * 3_600_000 };
      expect(await ledger().commit(longAgo)).toBe('committed');

      const seen = await snapshotOf(zone.lease.eventId);
      expect(seen.generation).toBe(1);
      const zoneRow = (owner: ZoneOfTest) => seen.zones.find(({ zoneId }) => zoneId === owner.lease.zoneId);
      expect(seen.zones).toHaveLength(2);
      expect(zoneRow(zone)).toEqual({
        zoneId: zone.lease.zoneId,
        epoch: 1,
        version: 4,
        capacity: 100,
        available: 97,
        held: 3,
        sold: 0,
        blocked: 0,
      });
      expect(zoneRow(other)).toMatchObject({ epoch: 1, version: 2, available: 47, held: 0, sold: 3 });
      expect(byBooking(seen.holds)).toEqual(
        byBooking([
          { zoneId: zone.lease.zoneId, ...hold(held), expiresAtMs: todayMs + 700_000 },
          { zoneId: zone.lease.zoneId, ...hold(old) },
        ]),
      );
      expect(new Map(seen.users.map((user) => [user.userId, user.seats]))).toEqual(
        new Map([
          [userId, 5],
          [old.userId, 1],
        ]),
      );
      expect(byBooking(seen.keys)).toEqual(
        byBooking(
          [held, sold, gone].map(({ key, fingerprint, bookingId }) => ({
            key,
            fingerprint,
            bookingId,
            createdAtMs: todayMs,
          })),
        ),
      );
    });

    it('leaves no room for a batch of the gate before', async () => {
      const zone = await ZoneOfTest.open(store(), 10);
      const answers: unknown[] = [];
      await ledger().rebuild(zone.lease.eventId, never, async () => {
        answers.push(await zone.commit([bookingCommand()]));
      });
      answers.push(await zone.commit([bookingCommand()]));
      expect(answers).toEqual(['stale', 'stale']);
      const next = await ZoneOfTest.acquire(store(), zone.lease.zoneId);
      expect(next.lease.generation).toBe(1);
      await next.reserved();
    });

    it('does nothing when the gate has been built meanwhile', async () => {
      const zone = await ZoneOfTest.open(store(), 10);
      const asked: number[] = [];
      const isBuilt = async (generation: number) => asked.push(generation) > 0;
      await ledger().rebuild(zone.lease.eventId, isBuilt, () => Promise.reject(new Error('not needed')));
      expect(asked).toEqual([0]);
      await zone.reserved();
    });

    it('runs one at a time: the second sees what the first has built', async () => {
      const zone = await ZoneOfTest.open(store(), 10);
      const built = new Set<number>();
      const loads: number[] = [];
      let loading = 0;
      const rebuild = () =>
        ledger().rebuild(
          zone.lease.eventId,
          async (generation) => built.has(generation),
          async ({ generation }) => {
            expect(++loading).toBe(1);
            loads.push(generation);
            await ledger().find(zone.lease.eventId, newId());
            built.add(generation);
            loading--;
          },
        );
      await Promise.all([rebuild(), rebuild(), rebuild()]);
      expect(loads).toEqual([1]);
    });

    it('may be tried again after one that ended in the middle', async () => {
      const zone = await ZoneOfTest.open(store(), 10);
      const lost = ledger().rebuild(zone.lease.eventId, never, () => Promise.reject(new Error('Redis went away')));
      await expect(lost).rejects.toThrow('Redis went away');
      expect((await snapshotOf(zone.lease.eventId)).generation).toBe(2);
    });

    it('hands over more than one chunk', async () => {
      const zone = await ZoneOfTest.open(store(), 20_000);
      for (let batches = 0; batches < 3; batches++)
        await zone.committed(Array.from({ length: 2_048 }, () => bookingCommand()));
      const seen = await snapshotOf(zone.lease.eventId);
      expect(new Set(seen.holds.map(({ bookingId }) => bookingId)).size).toBe(6_144);
      expect(new Set(seen.users.map((user) => user.userId)).size).toBe(6_144);
      expect(new Set(seen.keys.map(({ key }) => key)).size).toBe(6_144);
    });

    async function snapshotOf(eventId: string) {
      let seen: Awaited<ReturnType<typeof drain>> | null = null;
      await ledger().rebuild(eventId, never, async (snapshot) => {
        seen = await drain(snapshot);
      });
      if (!seen) throw new Error('nothing was handed over');
      return seen as Awaited<ReturnType<typeof drain>>;
    }
  });
}

async function drain(snapshot: EventSnapshot) {
  const { generation, zones } = snapshot;
  const [holds, users, keys] = [
    await all(snapshot.holds()),
    await all(snapshot.users()),
    await all(snapshot.keys()),
  ] as const;
  return { generation, zones, holds, users, keys };
}

async function all<T>(chunks: AsyncIterable<readonly T[]>): Promise<T[]> {
  const items: T[] = [];
  for await (const chunk of chunks) items.push(...chunk);
  return items;
}

function hold({ bookingId, userId, quantity, expiresAtMs }: ReturnType<typeof bookingCommand>) {
  return { bookingId, userId, quantity, expiresAtMs };
}

function byBooking<T extends { readonly bookingId: string }>(items: readonly T[]): Map<string, T> {
  return new Map(items.map((item) => [item.bookingId, item]));
}
