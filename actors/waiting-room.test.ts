import { describe, expect, it } from 'vitest';
import { accept, reject } from '../engine/outcome.ts';
import { defaultTerms } from '../engine/waiting-room.ts';
import type { Wire } from '../persistence/memory/wire.ts';
import { type RoomBench, roomBench, startMs, tickMs } from '../test/room-bench.ts';
import { connected, disconnected, type Joined, type Look, type PassTerms } from './waiting-room-requests.ts';

const minuteMs = 60_000;

async function join(bench: RoomBench, userId: string, accessCode: string | null = null): Promise<Joined> {
  const outcome = await bench.ask({ kind: 'join', userId, accessCode });
  if (!outcome.ok) throw new Error(outcome.rejection.code);
  return outcome.value as Joined;
}

async function look(bench: RoomBench, userId: string): Promise<Look> {
  const outcome = await bench.ask({ kind: 'look', userId });
  if (!outcome.ok) throw new Error(outcome.rejection.code);
  return outcome.value as Look;
}

const configure = (bench: RoomBench, change: object) =>
  bench.ask({ kind: 'configure', change: { ...change, cause: 'a test' } });

const stages = async (bench: RoomBench, users: readonly string[]) =>
  Promise.all(users.map(async (user) => (await look(bench, user)).standing?.stage ?? 'gone'));

function firstPass({ passes: [pass] }: RoomBench): PassTerms {
  if (!pass) throw new Error('nobody was admitted');
  return pass;
}

/** A room with one slot, taken by `first`, and these in line behind it. */
async function fullRoom(...users: string[]): Promise<RoomBench> {
  const bench = roomBench();
  await configure(bench, { maxConcurrent: 1 });
  for (const user of ['first', ...users]) await join(bench, user);
  return bench;
}

describe('a place', () => {
  it('is given once a user, over tabs and devices', async () => {
    const bench = await fullRoom('a', 'b');
    const [before, again] = [await look(bench, 'b'), await join(bench, 'b')];
    expect(again).toMatchObject({ isNew: false, standing: { place: 3, position: 2 } });
    expect(again.standing).toMatchObject({ place: (before.standing as { place: number }).place });
    expect(bench.ledger.log.filter((entry) => entry.kind === 'join')).toHaveLength(3);
  });

  it('gets better as others leave, and ends with leaving', async () => {
    const bench = await fullRoom('a', 'b');
    await bench.ask({ kind: 'leave', userId: 'a' });
    expect((await look(bench, 'b')).standing).toMatchObject({ place: 3, position: 1 });
    expect((await look(bench, 'a')).standing).toBeNull();
    expect(bench.gone).toEqual(['a left']);
  });

  it('is kept for the grace without being seen, and for ever with a live connection', async () => {
    const bench = await fullRoom('polls', 'connected', 'away');
    const ignore = () => {};
    const elsewhere = { ...bench.room, door: 'elsewhere' };
    connected(bench.room, 'connected', ignore);
    connected(bench.room, 'connected', ignore);
    connected(elsewhere, 'connected', ignore);
    disconnected(bench.room, 'connected', ignore);
    for (let minutes = 0; minutes < 3; minutes++) {
      await bench.pass(minuteMs);
      await look(bench, 'polls');
    }
    expect(bench.gone).toContain('away timed_out');
    // `polls` and `connected` are both still there: the first ones were let in meanwhile.
    expect(bench.gone.filter((line) => line.endsWith('timed_out'))).toEqual(['away timed_out']);
    disconnected(elsewhere, 'connected', ignore);
    await bench.pass(defaultTerms.graceMs + 2 * tickMs);
    expect((await look(bench, 'connected')).standing).toBeNull();
  });

  it.each([600_000, -600_000])('is not lost to a clock that jumps by %i ms', async (ms) => {
    const bench = await fullRoom('a', 'b');
    await bench.pass(5 * tickMs);
    bench.jump(ms);
    await bench.pass(5 * tickMs);
    expect(bench.gone.filter((line) => line.endsWith('timed_out'))).toEqual([]);
    expect((await look(bench, 'b')).standing).toMatchObject({ stage: 'waiting', place: 3 });
    const times = bench.ledger.log.map((entry) => entry.atMs);
    expect(times).toEqual([...times].sort((one, other) => one - other));
  });

  it('is refused when the room is off, drains, or nothing is left', async () => {
    const refusal = async (bench: RoomBench) => bench.ask({ kind: 'join', userId: 'u', accessCode: null });
    expect(await refusal(roomBench({ mode: 'off' }))).toMatchObject(reject('INVALID_STATE', { queue: 'off' }));
    expect(await refusal(roomBench({ mode: 'drain' }))).toMatchObject(reject('INVALID_STATE', { queue: 'drain' }));
    expect(await refusal(roomBench({ stock: { saleEndMs: startMs } }))).toEqual(reject('SALE_ENDED'));
    expect(await refusal(roomBench({ stock: { available: 0, held: 0 } }))).toMatchObject({
      rejection: { code: 'INSUFFICIENT_STOCK' },
    });
  });
});

describe('admission', () => {
  it('fills a freed slot at once, in order', async () => {
    const bench = await fullRoom('a', 'b');
    expect(bench.passes.map((pass) => pass.userId)).toEqual(['first']);
    const use = { ...firstPass(bench), key: 'k' };
    expect(await bench.ask({ kind: 'use', use })).toEqual(accept(null));
    const booking = { bookingId: 'booking', quantity: 2, atMs: bench.world.clock.now() };
    await bench.ask({ kind: 'used', use, end: { end: 'made', ...booking } });
    expect(await stages(bench, ['first', 'a'])).toEqual(['checkout', 'waiting']);
    await bench.ask({ kind: 'checkout', news: { kind: 'completed', bookingId: 'booking' } });
    expect(bench.passes.map((pass) => pass.userId)).toEqual(['first', 'a']);
    expect(await stages(bench, ['first', 'a', 'b'])).toEqual(['gone', 'admitted', 'waiting']);
  });

  it('takes a pass back that is not used in time, or given back', async () => {
    const bench = await fullRoom('a', 'b');
    for (const user of ['a', 'b']) connected(bench.room, user, () => {});
    await bench.pass(defaultTerms.passTtlMs + tickMs);
    expect(bench.gone).toEqual(['first pass_expired']);
    await bench.ask({ kind: 'leave', userId: 'a' });
    expect(bench.passes.map((pass) => pass.userId)).toEqual(['first', 'a', 'b']);
  });

  it('does not wait for a tick when a pass is over', async () => {
    const bench = roomBench();
    const passTtlMs = 2 * tickMs + 300;
    await configure(bench, { maxConcurrent: 1, passTtlMs });
    await bench.pass(500);
    await join(bench, 'first');
    connected(bench.room, 'a', () => {});
    await join(bench, 'a');
    await bench.world.runUntil(firstPass(bench).endsAtMs + 1);
    expect(bench.passes.map((pass) => pass.userId)).toEqual(['first', 'a']);
  });

  it('waits while paused, and goes on at once when opened or widened', async () => {
    const bench = roomBench({ mode: 'paused' });
    for (const user of ['a', 'b', 'c']) await join(bench, user);
    await bench.pass(5 * tickMs);
    expect(bench.passes).toEqual([]);
    await configure(bench, { mode: 'open', maxConcurrent: 1 });
    expect(bench.passes).toHaveLength(1);
    await configure(bench, { maxConcurrent: 3 });
    expect(bench.passes).toHaveLength(3);
    expect(bench.news.at(-1)).toMatchObject({ mode: 'open', admittedTotal: 3, waiting: 0 });
  });

  it('keeps to the rate a minute', async () => {
    const bench = roomBench({ mode: 'paused' });
    for (let user = 0; user < 50; user++) await join(bench, `u${user}`);
    for (let user = 0; user < 50; user++) connected(bench.room, `u${user}`, () => {});
    await configure(bench, { mode: 'open', ratePerMinute: 12 });
    await bench.pass(minuteMs);
    expect(bench.passes.length).toBeGreaterThanOrEqual(11);
    expect(bench.passes.length).toBeLessThanOrEqual(13);
  });

  it('gives no more passes than there are seats, and says when nothing is left', async () => {
    const bench = roomBench({ stock: { available: 2 } });
    for (const user of ['a', 'b', 'c']) await join(bench, user);
    expect(bench.passes).toHaveLength(2);
    bench.ledger.stock = { ...bench.ledger.stock, available: 0, held: 0 };
    await bench.pass(3 * tickMs);
    expect(bench.news.at(-1)).toMatchObject({ soldOut: true, waiting: 1 });
  });

  it('serves the priority line first, for a reason that is logged', async () => {
    const bench = await fullRoom('a');
    await configure(bench, { accessCodes: [{ code: 'FAN-CLUB', reason: 'fan club' }] });
    expect(await bench.ask({ kind: 'join', userId: 'x', accessCode: 'guess' })).toMatchObject({
      rejection: { code: 'VALIDATION_ERROR' },
    });
    expect((await join(bench, 'fan', 'FAN-CLUB')).standing).toMatchObject({ line: 'priority', position: 1 });
    expect((await look(bench, 'a')).standing).toMatchObject({ line: 'regular', position: 1 });
    await configure(bench, { maxConcurrent: 2 });
    expect(bench.passes.at(-1)?.userId).toBe('fan');
    expect(bench.ledger.log.find((entry) => entry.line === 'priority')).toMatchObject({ detail: 'fan club' });
  });
});

describe('what a room tells', () => {
  it('is news several times a tick to those who listen, and the stock is surveyed once', async () => {
    const surveys: number[] = [];
    const wire: Wire = async (call, effect) => {
      if (call === 'survey') surveys.push(bench.world.clock.now());
      return effect();
    };
    const bench: RoomBench = roomBench({ wire, newsPerTick: 10 });
    await bench.pass(10 * tickMs);
    // The simulated world has its delays: a tenth more or less.
    expect(Math.abs(bench.news.length - 100)).toBeLessThanOrEqual(10);
    expect(Math.abs(surveys.length - 10)).toBeLessThanOrEqual(1);
  });

  it('is surveyed on while the clock that was set back catches up', async () => {
    const bench = roomBench({ newsPerTick: 10, stock: { available: 1 } });
    await bench.pass(2 * tickMs);
    bench.jump(-minuteMs);
    bench.ledger.stock = { ...bench.ledger.stock, available: 0, held: 0 };
    await bench.pass(2 * tickMs);
    expect(bench.news.at(-1)).toMatchObject({ soldOut: true });
  });
});

describe('a lobby', () => {
  it('is shuffled at the start by the seed that was committed to, and who comes later queues behind', async () => {
    const saleStartMs = startMs + 10_000;
    const bench = roomBench({ stock: { saleStartMs } });
    const early = Array.from({ length: 20 }, (_, user) => `u${user}`);
    await configure(bench, { maxConcurrent: 5 });
    for (const user of early)
      expect((await join(bench, user)).standing).toMatchObject({ line: 'lobby', position: null });
    expect(bench.passes).toEqual([]);
    await bench.world.runUntil(saleStartMs + 100);
    expect(bench.passes).toHaveLength(5);
    expect(bench.passes.map((pass) => pass.userId)).not.toEqual(early.slice(0, 5));
    expect((await join(bench, 'late')).standing).toMatchObject({ line: 'regular', position: 16 });
  });
});

describe('a room that is off', () => {
  it('turns itself on when enough users are there', async () => {
    const bench = roomBench({ mode: 'off' });
    await configure(bench, { activationUsers: 3 });
    for (const user of ['a', 'b']) await look(bench, user);
    expect(bench.ledger.mode).toBe('off');
    await look(bench, 'c');
    await bench.pass(tickMs);
    expect(bench.ledger.mode).toBe('open');
    expect(bench.news.at(-1)?.mode).toBe('open');
  });
});

describe('a pass', () => {
  it('makes one booking: its own key may repeat, another waits for a refusal', async () => {
    const bench = await fullRoom();
    const pass = firstPass(bench);
    const use = (key: string) => ({ ...pass, key });
    expect(await bench.ask({ kind: 'use', use: use('one') })).toEqual(accept(null));
    expect(await bench.ask({ kind: 'use', use: use('two') })).toEqual(reject('QUEUE_PASS_INVALID', { reason: 'used' }));
    await bench.ask({ kind: 'used', use: use('one'), end: { end: 'unknown' } });
    expect(await bench.ask({ kind: 'use', use: use('two') })).toEqual(reject('QUEUE_PASS_INVALID', { reason: 'used' }));
    expect(await bench.ask({ kind: 'use', use: use('one') })).toEqual(accept(null));
    await bench.ask({ kind: 'used', use: use('one'), end: { end: 'refused' } });
    expect(await bench.ask({ kind: 'use', use: use('two') })).toEqual(accept(null));
    const made = { end: 'made', bookingId: 'b', quantity: 1, atMs: bench.world.clock.now() } as const;
    await bench.ask({ kind: 'used', use: use('two'), end: made });
    expect(await bench.ask({ kind: 'use', use: use('three') })).toEqual(
      reject('QUEUE_PASS_INVALID', { reason: 'used' }),
    );
    expect(await bench.ask({ kind: 'use', use: use('two') })).toEqual(accept(null));
  });

  it('is nobody else’s and no other admission’s', async () => {
    const bench = await fullRoom('a');
    const pass = firstPass(bench);
    const unknown = reject('QUEUE_PASS_INVALID', { reason: 'unknown' });
    expect(await bench.ask({ kind: 'use', use: { ...pass, userId: 'a', key: 'k' } })).toEqual(unknown);
    expect(await bench.ask({ kind: 'use', use: { ...pass, admission: 1, key: 'k' } })).toEqual(unknown);
  });
});
