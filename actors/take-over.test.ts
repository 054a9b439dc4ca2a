/** Taking a zone over, where what happens in between decides. The rest is zone-doubt.test.ts and test/sim. */
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryGate, type MemoryGate } from '../persistence/memory/gate.ts';
import { createMemoryLedger, type MemoryLedger } from '../persistence/memory/ledger.ts';
import { reserveCommand } from '../test/contracts/event-sample.ts';
import { type Ownership, takeOver } from './take-over.ts';

const terms = { priceMinor: 100, currency: 'THB', maxPerUser: 4 };
const nowMs = Date.parse('2027-03-01T12:00:00.000Z');
const [eventId, zoneId] = ['e', 'z'];

describe('a take-over', () => {
  let gate: MemoryGate;
  let ledger: MemoryLedger;
  /** Runs once before the next call of that name. */
  let before: Map<string, () => unknown>;
  beforeEach(() => {
    before = new Map();
    const wire = async <T>(call: string, effect: () => T) => {
      const first = before.get(call);
      before.delete(call);
      await first?.();
      return effect();
    };
    gate = createMemoryGate(wire);
    ledger = createMemoryLedger(() => nowMs, wire);
    ledger.addZone({ eventId, zoneId, capacity: 10, ...terms });
  });

  async function owned(): Promise<Ownership> {
    const ownership = await takeOver(zoneId, { gate, ledger }, null);
    if (!ownership) throw new Error('no such zone');
    return ownership;
  }

  function batchOf({ lease, version }: Ownership) {
    const commands = [reserveCommand()];
    return { lease, version, batchId: `batch ${version}`, settled: [], maxPerUser: 4, nowMs, commands };
  }

  it('is null for a zone that is not there', async () => {
    expect(await takeOver('nowhere', { gate, ledger }, null)).toBeNull();
  });

  it('knows when nobody came between: the epoch before is the own one', async () => {
    const first = await owned();
    gate.forget();
    expect((await owned()).previousEpoch).toBe(first.lease.epoch);
  });

  it.each(['ledger.acquire', 'gate.acquire', 'gate.rebuild'])('knows when somebody came before %s', async (call) => {
    const first = await owned();
    gate.forget();
    before.set(call, () => ledger.acquire(zoneId));
    const second = await owned().catch(() => owned());
    expect(second.previousEpoch).not.toBe(first.lease.epoch);
  });

  it('takes back, newest first, what the truth does not hold', async () => {
    const first = await owned();
    const committed = batchOf(first);
    await gate.apply(committed);
    await ledger.commit({ ...committed, terms, made: committed.commands, moved: [] });
    await gate.apply({ ...batchOf({ ...first, version: 1 }) });
    await gate.apply({ ...batchOf({ ...first, version: 2 }) });
    const second = await owned();
    expect(second).toMatchObject({ version: 1, available: 9, held: 1, settled: ['batch 0'] });
    expect(second.holds.map(({ bookingId }) => bookingId)).toEqual([committed.commands[0]?.bookingId]);
    expect(second.lease.generation).toBe(first.lease.generation);
  });

  it('rebuilds a gate that is behind the truth', async () => {
    const first = await owned();
    const rollBack = gate.save();
    const batch = batchOf(first);
    await gate.apply(batch);
    await ledger.commit({ ...batch, terms, made: batch.commands, moved: [] });
    rollBack();
    const second = await owned();
    expect(second).toMatchObject({ version: 1, available: 9, lease: { generation: first.lease.generation + 1 } });
  });

  it('uses a gate that somebody else has just rebuilt', async () => {
    await owned();
    gate.forget();
    const rebuildElsewhere = () =>
      ledger.rebuild(
        eventId,
        async () => false,
        (snapshot) => gate.rebuild(snapshot),
      );
    before.set('gate.acquire', rebuildElsewhere);
    // One generation for the first owner, one for the other node.
    expect((await owned()).lease.generation).toBe(2);
  });

  it('waits for a rebuild that is under way, and uses what it made', async () => {
    await owned();
    gate.forget();
    const begun = signal();
    const finish = signal();
    const elsewhere = ledger.rebuild(
      eventId,
      async () => false,
      async (snapshot) => {
        begun.give();
        await finish.given;
        await gate.rebuild(snapshot);
      },
    );
    await begun.given;
    // The zone is acquired with the new generation already, which the gate does not have yet.
    before.set('gate.acquire', () => void setImmediate(finish.give));
    expect((await owned()).lease.generation).toBe(2);
    await elsewhere;
  });

  it('rebuilds a gate that is built and yet does not know the zone', async () => {
    await owned();
    let unknown = 2;
    const amnesiac: MemoryGate = {
      ...gate,
      acquire: async (lease) => (unknown-- > 0 ? { ok: false, reason: 'stale' } : gate.acquire(lease)),
    };
    expect(await takeOver(zoneId, { gate: amnesiac, ledger }, null)).toMatchObject({ lease: { generation: 2 } });
  });

  it('gives up when another owner is faster', async () => {
    await owned();
    before.set('gate.acquire', async () => {
      const other = await ledger.acquire(zoneId);
      if (other) await gate.acquire(other.lease);
    });
    await expect(owned()).rejects.toThrow('taken over by another owner');
  });
});

function signal() {
  let give = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}
