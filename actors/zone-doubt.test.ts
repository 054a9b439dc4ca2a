/** A zone in trouble: lost answers, a gate that forgot, other owners, crashes. Each time everybody is answered once. */
import { beforeEach, describe, expect, it } from 'vitest';
import { codeOf, eventId, ZoneBench, zoneId } from '../test/sim/zone-bench.ts';
import type { LocalZone } from './zone.ts';
import { cancel, confirm } from './zone-requests.ts';

describe('a zone', () => {
  let bench: ZoneBench;
  let zone: LocalZone;
  beforeEach(async () => {
    bench = new ZoneBench();
    zone = await bench.open();
  });

  /** Gate and truth say the same of the zone. */
  function expectLevel(): void {
    const view = bench.gate.look(eventId, zoneId);
    const { generation, version, available, held, sold } = bench.row ?? {};
    expect(view).toMatchObject({ generation, version, zone: { available, held, sold } });
  }

  describe('whose answer was lost', () => {
    it.each(['before', 'after'] as const)('by the gate, %s its effect: judges again', async (when) => {
      bench.failing.set('gate.apply', when);
      const outcomes = [bench.ask(zone), bench.ask(zone, { userId: 'u', quantity: 9 })];
      await bench.pass(100);
      expect(outcomes.map((answers) => answers.map(codeOf))).toEqual([['accepted'], ['MAX_PER_USER_EXCEEDED']]);
      expect(bench.doubts).toEqual(['the gate did not answer']);
      expect(bench.ledger.tables.bookings.size).toBe(1);
      expectLevel();
    });

    it.each(['before', 'after'] as const)('by the truth, %s its effect: finds out, and says it', async (when) => {
      bench.failing.set('ledger.commit', when);
      const outcomes = bench.ask(zone);
      await bench.pass(100);
      expect(outcomes.map(codeOf)).toEqual(['accepted']);
      expect(bench.ledger.tables.bookings.size).toBe(1);
      expect(outcomes[0]).toMatchObject({ value: { bookingId: [...bench.ledger.tables.bookings.keys()][0] } });
      expectLevel();
    });

    it('with another batch behind it: both are told the truth', async () => {
      bench.failing.set('ledger.commit', 'after');
      const first = bench.ask(zone, { quantity: 2 });
      await bench.pass(2.5);
      const second = bench.ask(zone, { quantity: 3 });
      await bench.pass(100);
      expect([...first, ...second].map(codeOf)).toEqual(['accepted', 'accepted']);
      expect(bench.row).toMatchObject({ held: 5, version: 2 });
      expectLevel();
    });

    it('cannot tell what became of a batch when its own take-over was not the last', async () => {
      for (const call of ['ledger.commit', 'gate.read']) bench.failing.set(call, 'before');
      const outcomes = bench.ask(zone);
      await bench.pass(100);
      expect(bench.doubts).toEqual(['the truth did not answer', 'the take-over failed']);
      expect(outcomes.map(codeOf)).toEqual(['SERVICE_UNAVAILABLE']);
      await bench.reserved(zone);
      expectLevel();
    });
  });

  it('that has to go while it is in doubt goes at once, and sends away who waits', async () => {
    bench.down.add('ledger.acquire');
    bench.failing.set('gate.apply', 'before');
    const waiting = bench.ask(zone);
    await bench.pass(20);
    let ended = false;
    void zone.close(2_000).then(() => {
      ended = true;
    });
    await bench.pass(20);
    expect([ended, waiting.map(codeOf)]).toEqual([true, ['SERVICE_UNAVAILABLE']]);
  });

  it('that cannot take over tries again, later each time, and meanwhile answers who cannot wait', async () => {
    bench.down.add('ledger.acquire');
    bench.failing.set('gate.apply', 'before');
    const patient = bench.ask(zone);
    await bench.pass(20);
    const hasty = [bench.ask(zone, { deadlineMs: bench.now + 100 }), bench.ask(zone, { deadlineMs: bench.now + 900 })];
    await bench.pass(400);
    expect(hasty.map(([outcome]) => codeOf(outcome))).toEqual(['SERVICE_UNAVAILABLE', 'not answered']);
    await bench.pass(5_000);
    const tries = bench.calls.filter((call) => call === 'ledger.acquire').length;
    // At once, then after 50, 100, 200, 400, 800 and each 1 000 ms.
    expect(tries).toBe(9);
    bench.down.clear();
    await bench.pass(1_100);
    expect(patient.map(codeOf)).toEqual(['accepted']);
    expectLevel();
  });

  it('that cannot take over answers in time also who was under way, and no second time', async () => {
    bench.failing.set('ledger.commit', 'after');
    bench.down.add('ledger.acquire');
    const first = bench.ask(zone, { userId: 'u', key: 'k', deadlineMs: bench.now + 100 });
    await bench.pass(2.5);
    const second = bench.ask(zone, { deadlineMs: bench.now + 100 });
    await bench.pass(1_000);
    expect([...first, ...second].map(codeOf)).toEqual(['SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE']);
    bench.down.clear();
    // The same key tells, although the answer was lost and nobody waited for it any more.
    expect(await bench.reserved(zone, { userId: 'u', key: 'k', deadlineMs: bench.now + 5_000 }, 2_000)).toMatchObject({
      replayed: true,
    });
    expect([first, second].map((answers) => answers.length)).toEqual([1, 1]);
    await bench.pass(1_100);
    expect(bench.row).toMatchObject({ available: 10, held: 0 });
    expectLevel();
  });

  describe('whose gate', () => {
    it.each([
      ['forgot everything', () => bench.gate.forget()],
      ['is another run of its store', () => bench.gate.restart()],
    ])('%s rebuilds it and goes on', async (_what, happen) => {
      const kept = await bench.reserved(zone, { userId: 'u', key: 'k', quantity: 3 });
      happen();
      expect(codeOf(await bench.outcomeOf(zone, { userId: 'u', quantity: 2 }))).toBe('MAX_PER_USER_EXCEEDED');
      expect(await bench.reserved(zone, { userId: 'u', key: 'k', quantity: 3 })).toEqual({ ...kept, replayed: true });
      expect(await bench.moved((asked) => confirm(zone, kept.bookingId, asked))).toBe('applied');
      expect(bench.doubts).toEqual(['the gate is stale']);
      expect(bench.row).toMatchObject({ generation: 2, sold: 3 });
      expectLevel();
    });

    it('forgot everything still lets its holds end', async () => {
      const { bookingId } = await bench.reserved(zone);
      bench.gate.forget();
      await bench.pass(1_200);
      expect(bench.statusOf(bookingId)).toBe('expired');
      expectLevel();
    });

    it('was rebuilt while it was looked at does not believe what it saw', async () => {
      // An empty view would be "sold out" for ever, for it is answered from memory.
      bench.failing.set('gate.apply', 'before');
      const outcomes = bench.ask(zone);
      await bench.pass(5.5);
      expect(bench.calls.slice(-2)).toEqual(['ledger.acquire', 'gate.acquire']);
      await bench.pass(1);
      bench.gate.forget();
      await bench.pass(300);
      expect(outcomes.map(codeOf)).toEqual(['accepted']);
    });

    it('contradicts the truth for no reason that is known has it rebuilt', async () => {
      const { bookingId } = await bench.reserved(zone);
      const booking = bench.ledger.tables.bookings.get(bookingId);
      if (booking) bench.ledger.tables.bookings.set(bookingId, { ...booking, status: 'cancelled' });
      expect(await bench.moved((asked) => cancel(zone, bookingId, asked))).toBe('absent');
      expect(bench.calls).toContain('gate.rebuild');
    });
  });

  describe('that another node has taken', () => {
    it('takes it back, and what it had not done is done', async () => {
      const taken = bench.ledger.acquire(zoneId).then((acquired) => acquired && bench.gate.acquire(acquired.lease));
      await bench.pass(10);
      await taken;
      const outcomes = bench.ask(zone);
      await bench.pass(100);
      expect(outcomes.map(codeOf)).toEqual(['accepted']);
      expect(bench.doubts).toEqual(['the gate is fenced']);
      expectLevel();
    });
  });

  describe('that crashes', () => {
    it.each(['batched', 'lua', 'commit'] as const)('in %s answers what was under way, and goes on', async (where) => {
      bench.crashIn = where;
      const outcomes = [bench.ask(zone, { userId: 'u', key: 'k' }), bench.ask(zone, { userId: 'u', key: 'k' })];
      const results = bench.move((asked) => cancel(zone, 'b', asked));
      await bench.pass(30);
      const later = bench.ask(zone);
      await bench.pass(200);
      const refused = outcomes.map((answers) => answers.map(codeOf));
      expect(refused).toEqual([['SERVICE_UNAVAILABLE'], ['SERVICE_UNAVAILABLE']]);
      expect(results).toHaveLength(1);
      expect(later.map(codeOf)).toEqual(['accepted']);
      await bench.reserved(zone, { userId: 'u', key: 'k' });
      expect(bench.ledger.tables.bookings.size).toBe(2);
      expectLevel();
    });

    it('answers who was waiting for the truth to be asked', async () => {
      await bench.reserved(zone, { userId: 'u', key: 'k' });
      const replays = bench.ask(zone, { userId: 'u', key: 'k' });
      await bench.pass(2.5);
      expect(bench.calls.at(-1)).toBe('ledger.findByKeys');
      bench.crashIn = 'batched';
      const crashed = bench.ask(zone);
      await bench.pass(500);
      expect([...replays, ...crashed].map(codeOf)).toEqual(['SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE']);
    });

    it('does not judge again what comes back from the gate for the incarnation before', async () => {
      bench.failing.set('ledger.commit', 'before');
      const first = bench.ask(zone);
      // The answers of gate and truth come at one moment: one waits in the mailbox when the other is a crash.
      await bench.pass(2);
      const second = bench.ask(zone);
      bench.crashIn = 'doubt';
      await bench.pass(500);
      expect([first, second].map((answers) => answers.map(codeOf))).toEqual([
        ['SERVICE_UNAVAILABLE'],
        ['SERVICE_UNAVAILABLE'],
      ]);
      expect(bench.ledger.tables.bookings.size).toBe(0);
      await bench.reserved(zone);
      expectLevel();
    });

    it('still lets the holds end that it had', async () => {
      const { bookingId } = await bench.reserved(zone);
      bench.crashIn = 'batched';
      await bench.outcomeOf(zone).catch(() => {});
      await bench.pass(1_500);
      expect(bench.statusOf(bookingId)).toBe('expired');
    });
  });

  it('that is started anew goes on with the holds, keys and limits of before', async () => {
    const kept = await bench.reserved(zone, { userId: 'u', key: 'k', quantity: 3 });
    const next = await bench.open();
    expect(codeOf(await bench.outcomeOf(next, { userId: 'u', quantity: 2 }))).toBe('MAX_PER_USER_EXCEEDED');
    expect(await bench.reserved(next, { userId: 'u', key: 'k', quantity: 3 })).toEqual({ ...kept, replayed: true });
    expect(bench.calls).not.toContain('gate.rebuild');
    await bench.pass(1_100);
    expect(bench.statusOf(kept.bookingId)).toBe('expired');
    expectLevel();
  });
});
