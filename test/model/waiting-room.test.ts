/** Random histories of a waiting room, with lost answers and a second owner: the order holds and its log proves it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PassTerms, RoomRequest } from '../../actors/waiting-room-requests.ts';
import { FairnessCheck, type Finding } from '../../engine/fairness.ts';
import { entryHash, type LoggedEntry } from '../../engine/queue-log.ts';
import type { Wire } from '../../persistence/memory/wire.ts';
import { sha256 } from '../../world.ts';
import { type RoomBench, roomBench, startMs } from '../room-bench.ts';

const users = Array.from({ length: 12 }, (_, index) => `user ${index}`);
const user = fc.constantFrom(...users);
/** Short times, so that passes end and people are missed within a run. */
const terms = { maxConcurrent: 3, passTtlMs: 10_000, graceMs: 5_000 };

type Step =
  | { readonly do: 'join' | 'leave' | 'look' | 'buy' | 'fail'; readonly user: string }
  | { readonly do: 'end'; readonly how: 'completed' | 'failed' | 'expired' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'usurp' | 'pause' | 'open' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('join' as const), user }) },
  fc.record({ do: fc.constantFrom('leave' as const, 'look' as const, 'fail' as const), user }),
  { weight: 4, arbitrary: fc.record({ do: fc.constant('buy' as const), user }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('end' as const), how: fc.constantFrom('completed', 'failed', 'expired') }),
  },
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(20, 1_500, 6_000, 11_000) }),
  fc.record({ do: fc.constantFrom('usurp' as const, 'pause' as const, 'open' as const) }),
);

/** Some appends are lost before they happen, some after. */
function losing(fates: readonly number[]): Wire {
  let calls = 0;
  return async (call, effect) => {
    const fate = call === 'append' ? (fates[calls++ % fates.length] ?? 0) : 0;
    if (fate === 1) throw new Error('lost on the way there');
    const answer = effect();
    if (fate === 2) throw new Error('lost on the way back');
    return answer;
  };
}

interface Buying {
  readonly pass: PassTerms;
  readonly bookingId: string;
}

async function take(bench: RoomBench, step: Step, bookings: Buying[]): Promise<void> {
  const send = (request: Omit<RoomRequest, 'reply'>) =>
    bench.room.send({ ...request, reply: () => {} } as unknown as RoomRequest);
  switch (step.do) {
    case 'join':
      send({ kind: 'join', userId: step.user, accessCode: null } as Omit<RoomRequest, 'reply'>);
      break;
    case 'leave':
    case 'look':
      send({ kind: step.do, userId: step.user } as Omit<RoomRequest, 'reply'>);
      break;
    case 'buy':
    case 'fail': {
      const pass = bench.passes.findLast((one) => one.userId === step.user);
      if (!pass || bookings.some((one) => one.pass.admission === pass.admission)) break;
      const use = { ...pass, key: 'key' };
      const allowed = await bench.ask({ kind: 'use', use });
      if (!allowed.ok) break;
      const booking = { bookingId: `booking ${bookings.length}`, quantity: 1, atMs: bench.world.clock.now() };
      if (step.do === 'buy') {
        bookings.push({ pass, bookingId: booking.bookingId });
        bench.ledger.bookings.push({
          ...booking,
          userId: pass.userId,
          createdAtMs: booking.atMs,
          status: 'reserved',
          key: 'key',
        });
      }
      send({ kind: 'used', use, end: step.do === 'buy' ? { end: 'made', ...booking } : { end: 'refused' } } as Omit<
        RoomRequest,
        'reply'
      >);
      break;
    }
    case 'end': {
      const open = bench.ledger.bookings.findIndex((one) => one.status === 'reserved');
      const booking = bench.ledger.bookings[open];
      if (!booking) break;
      const status = { completed: 'confirmed', failed: 'cancelled', expired: 'expired' }[step.how];
      bench.ledger.bookings[open] = { ...booking, status };
      send({ kind: 'checkout', news: { kind: step.how, bookingId: booking.bookingId } } as Omit<RoomRequest, 'reply'>);
      break;
    }
    case 'wait':
      await bench.pass(step.ms);
      break;
    case 'usurp':
      // Somebody else takes the room; this owner's next append is refused.
      bench.ledger.epoch++;
      break;
    case 'pause':
    case 'open':
      send({ kind: 'configure', change: { mode: step.do === 'open' ? 'open' : 'paused', cause: 'a test' } } as Omit<
        RoomRequest,
        'reply'
      >);
      break;
  }
  await bench.pass(10);
}

function verify(log: readonly LoggedEntry[]): readonly Finding[] {
  const check = new FairnessCheck(sha256);
  for (const entry of log) check.add(entry);
  return check.findings;
}

describe('whatever happens in a waiting room', () => {
  it('the log proves the order, and no slot is forgotten', async () => {
    const fates = fc.array(fc.constantFrom(0, 0, 0, 1, 2), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fates, fc.boolean(), async (steps, fates, early) => {
        const wire = losing([...fates, 0]);
        const bench = roomBench({ wire, stock: { saleStartMs: early ? startMs + 2_000 : startMs - 1 } });
        await bench.ask({ kind: 'configure', change: { ...terms, cause: 'a test' } });
        const bookings: Buying[] = [];
        for (const one of steps) await take(bench, one, bookings);
        await bench.ask({ kind: 'configure', change: { mode: 'open', cause: 'the end' } });
        // Passes end, checkouts end, and whoever stays is let in.
        for (const [at, one] of bench.ledger.bookings.entries())
          bench.ledger.bookings[at] = { ...one, status: 'expired' };
        await bench.ask({ kind: 'join', userId: 'last', accessCode: null });
        await bench.ask({ kind: 'connected', userId: 'last', door: 'a door' });
        await bench.pass(60_000);
        expect(verify(bench.ledger.log)).toEqual([]);
        expect(bench.passes.some((pass) => pass.userId === 'last')).toBe(true);
        // One pass a log entry, told only when it was there.
        const admitted = new Set(bench.ledger.log.filter((entry) => entry.kind === 'admit').map((entry) => entry.seq));
        expect(bench.passes.every((pass) => admitted.has(pass.admission))).toBe(true);
        bench.actors.stopAll();
      }),
      { numRuns: 50 },
    );
  });
});

describe('the verifier', () => {
  /** A fair log: a lobby, priority, admissions, somebody who leaves. */
  async function fairLog(): Promise<LoggedEntry[]> {
    const bench = roomBench({ stock: { saleStartMs: startMs + 5_000 } });
    const accessCodes = [{ code: 'FAN-CLUB', reason: 'fan club' }];
    await bench.ask({ kind: 'configure', change: { maxConcurrent: 4, accessCodes, cause: 'a test' } });
    for (const userId of users.slice(0, 6)) await bench.ask({ kind: 'join', userId, accessCode: null });
    await bench.ask({ kind: 'join', userId: 'fan', accessCode: 'FAN-CLUB' });
    await bench.ask({ kind: 'leave', userId: users[3] ?? '' });
    await bench.pass(6_000);
    for (const userId of users.slice(6, 9)) await bench.ask({ kind: 'join', userId, accessCode: null });
    await bench.ask({ kind: 'leave', userId: 'fan' });
    return [...bench.ledger.log];
  }

  /** The log with a change, chained anew by somebody who has all the means of the server. */
  function forged(
    log: readonly LoggedEntry[],
    change: (entry: LoggedEntry) => Partial<LoggedEntry> | null,
  ): LoggedEntry[] {
    let hash = '0'.repeat(64);
    return log
      .map((entry) => ({ entry, changed: change(entry) }))
      .filter(({ changed }) => changed !== null)
      .map(({ entry, changed }, index) => {
        const made = { ...entry, ...changed, seq: index + 1 };
        hash = entryHash(hash, made, sha256);
        return { ...made, hash };
      });
  }

  const only = (kind: LoggedEntry['kind'], change: Partial<LoggedEntry> | null, nth = 0) => {
    let seen = 0;
    return (entry: LoggedEntry) => (entry.kind === kind && seen++ === nth ? change : {});
  };

  it('finds nothing wrong with a fair log', async () => {
    const log = await fairLog();
    expect(verify(log)).toEqual([]);
    expect(new Set(log.map((entry) => entry.kind))).toEqual(
      new Set(['configure', 'commit', 'join', 'leave', 'shuffle', 'admit', 'release']),
    );
  });

  it('finds an entry that was changed, taken out or put elsewhere', async () => {
    const log = await fairLog();
    expect(verify(log.map((entry, at) => (at === 4 ? { ...entry, detail: 'x' } : entry)))[0]?.seq).toBe(5);
    expect(verify(log.filter((_, at) => at !== 4))[0]?.seq).toBe(6);
  });

  it.each<[string, (entry: LoggedEntry) => Partial<LoggedEntry> | null]>([
    ['somebody who was admitted without being first', only('leave', null)],
    ['a seed that nobody committed to', only('shuffle', { detail: 'another seed' })],
    ['a commitment that came never', only('commit', null)],
    [
      'priority without a reason',
      (entry) => (entry.line === 'priority' && entry.kind === 'join' ? { detail: '' } : {}),
    ],
    ['a leave without a reason', only('leave', { detail: 'because' })],
    [
      'more at the same time than allowed',
      (entry) =>
        entry.kind === 'configure' ? { detail: entry.detail.replace('"max_concurrent":4', '"max_concurrent":3') } : {},
    ],
    ['a slot that was freed for nothing', only('release', { detail: 'completed' })],
    ['two places of one person', only('join', { who: null }, 1)],
    [
      'admission while the room is paused',
      (entry) =>
        entry.kind === 'configure' ? { detail: entry.detail.replace('"mode":"open"', '"mode":"paused"') } : {},
    ],
    ['times that go back', only('shuffle', { atMs: 0 })],
  ])('finds %s, although the chain was made anew', async (_what, change) => {
    expect(verify(forged(await fairLog(), change)).length).toBeGreaterThan(0);
  });
});
