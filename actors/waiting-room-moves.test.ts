import { describe, expect, it } from 'vitest';
import type { Outcome } from '../engine/outcome.ts';
import type { Wire } from '../persistence/memory/wire.ts';
import { roomBench } from '../test/room-bench.ts';
import type { Followed } from './room-followers.ts';
import { type Joined, join } from './waiting-room-requests.ts';

const people = Array.from({ length: 97 }, (_, number) => `u${number}`);

/** A log that stops answering while the room moves, as PostgreSQL does when the machine stands still. */
function stallingLog() {
  const log = { stalls: false, effect: true };
  const wire: Wire = async (call, effect) => {
    if (call !== 'append' || !log.stalls) return effect();
    if (log.effect) effect();
    return new Promise<never>(() => {});
  };
  return { log, wire };
}

describe('a waiting room that moves while a batch is on its way', () => {
  it.each([
    { what: 'was', effect: true },
    { what: 'was not', effect: false },
  ])('refuses nobody whose join $what written: the next owner answers from the log', async ({ effect }) => {
    const { log, wire } = stallingLog();
    const bench = roomBench({ wire });
    await bench.ask({ kind: 'configure', change: { maxConcurrent: 0, cause: 'a test' } });
    Object.assign(log, { stalls: true, effect });
    const answers = new Map<string, Outcome<Joined>>();
    for (const userId of people)
      join(bench.room, { userId, accessCode: null }, (outcome) => void answers.set(userId, outcome));
    await bench.pass(100);
    const closed = bench.room.close(500);
    const late = 'comes while it moves';
    join(bench.room, { userId: late, accessCode: null }, (outcome) => void answers.set(late, outcome));
    await bench.pass(1_000);
    await closed;
    expect(answers.size).toBe(0);

    log.stalls = false;
    const next = roomBench({ ledger: bench.ledger });
    for (const request of bench.handedOn) next.room.send(request);
    await next.pass(100);
    const joins = bench.ledger.log.filter(({ kind }) => kind === 'join');
    expect(joins).toHaveLength(people.length + 1);
    for (const { userId, place } of joins)
      expect(answers.get(userId ?? '')).toMatchObject({ ok: true, value: { standing: { place } } });
    // In the order in which they asked, but for the one who asked the next owner first.
    expect(joins.flatMap(({ userId }) => (userId === late ? [] : [userId]))).toEqual(people);
  });
});

describe('a waiting room whose batch is on its way', () => {
  it('tells nothing of it, and lets nothing happen that would come to be told with it', async () => {
    const { log, wire } = stallingLog();
    const bench = roomBench({ wire });
    await bench.ask({ kind: 'configure', change: { maxConcurrent: 1, passTtlMs: 3_000, cause: 'a test' } });
    for (const userId of ['first', 'second']) await bench.ask({ kind: 'join', userId, accessCode: null });
    const follower: Followed[] = [];
    const told = bench.news.length;
    log.stalls = true;
    log.effect = false;
    join(bench.room, { userId: 'lost', accessCode: null }, () => {});
    bench.room.send({
      kind: 'follow',
      node: 'elsewhere',
      reply: (heard) => void (heard.ok && follower.push(heard.value)),
    });
    // Long enough for ticks, for the pass of the first to end and for the stock to be surveyed.
    bench.ledger.stock = { ...bench.ledger.stock, available: 0, held: 0 };
    await bench.pass(10_000);
    const durable = bench.ledger.log.length;
    expect(bench.news.slice(told).filter(({ version }) => version > durable)).toEqual([]);
    expect(follower).toEqual([]);
    expect(bench.gone).toEqual([]);
  });

  it('goes on with all that happened meanwhile when it has arrived', async () => {
    const { log, wire } = stallingLog();
    const arrivals: (() => void)[] = [];
    const late: Wire = (call, effect) =>
      call === 'append' && log.stalls
        ? new Promise((resolve) => void arrivals.push(() => resolve(effect())))
        : wire(call, effect);
    const bench = roomBench({ wire: late });
    await bench.ask({ kind: 'configure', change: { maxConcurrent: 1, passTtlMs: 3_000, cause: 'a test' } });
    for (const userId of ['first', 'second']) await bench.ask({ kind: 'join', userId, accessCode: null });
    log.stalls = true;
    join(bench.room, { userId: 'third', accessCode: null }, () => {});
    await bench.pass(10_000);
    log.stalls = false;
    for (const arrive of arrivals) arrive();
    await bench.pass(100);
    expect(bench.gone).toEqual(['first pass_expired']);
    expect(bench.passes.map(({ userId }) => userId)).toEqual(['first', 'second']);
    expect(bench.news.at(-1)).toMatchObject({ waiting: 1, version: bench.ledger.log.length });
    const heard = bench.news.length;
    await bench.pass(5_000);
    expect(bench.news.length).toBeGreaterThanOrEqual(heard + 4);
  });
});

describe('a waiting room that doubts itself while its stock is being surveyed', () => {
  it('does not count the seats of its past against what is left', async () => {
    const held: (() => void)[] = [];
    let holds = false;
    const wire: Wire = async (call, effect) => {
      if (call === 'survey' && holds) await new Promise<void>((resolve) => void held.push(resolve));
      return effect();
    };
    const bench = roomBench({ wire, stock: { available: 2 } });
    for (const userId of ['a', 'b', 'c', 'd']) await bench.ask({ kind: 'join', userId, accessCode: null });
    expect(bench.passes).toHaveLength(2);
    holds = true;
    for (const [number, pass] of bench.passes.entries()) {
      const use = { ...pass, key: pass.userId };
      await bench.ask({ kind: 'use', use });
      const made = { bookingId: `booking ${number}`, quantity: 1, atMs: bench.world.clock.now() };
      await bench.ask({ kind: 'used', use, end: { end: 'made', ...made } });
    }
    await bench.pass(2_000);
    expect(held).toHaveLength(1);
    holds = false;
    bench.ledger.stock = { ...bench.ledger.stock, available: 0, held: 0 };
    bench.ledger.epoch++;
    await bench.ask({ kind: 'leave', userId: 'c' });
    expect(bench.doubts).toHaveLength(1);
    held[0]?.();
    await bench.pass(100);
    expect(bench.passes).toHaveLength(2);
  });
});

describe('a waiting room that has no time', () => {
  it('refuses at once who comes when as many wait as may, and says when to come again', async () => {
    const { log, wire } = stallingLog();
    const bench = roomBench({ wire });
    log.stalls = true;
    const refused: Outcome<Joined>[] = [];
    for (let user = 0; user < bench.inboxMax + 2; user++)
      join(bench.room, { userId: `v${user}`, accessCode: null }, (outcome) => void refused.push(outcome));
    expect(refused).toEqual(
      Array(2).fill({
        ok: false,
        rejection: {
          code: 'SERVICE_UNAVAILABLE',
          message: 'too many requests wait for this waiting room',
          retryAfterSeconds: 1,
        },
      }),
    );
  });
});
