import { describe, expect, it } from 'vitest';
import type { Outcome } from '../engine/outcome.ts';
import type { Wire } from '../persistence/memory/wire.ts';
import { roomBench } from '../test/room-bench.ts';
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
