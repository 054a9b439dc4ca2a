/** The reconciler in a simulated world: whom it starts, whom it has look, and whom it lets go. */
import { beforeEach, describe, expect, it } from 'vitest';
import { oneNode } from '../test/one-node.ts';
import { SagaStage, startMs } from '../test/sim/saga-stage.ts';
import { type LocalBooking, startBooking } from './booking.ts';
import { type BookingAddress, pay } from './booking-requests.ts';
import { createShards, type Shards } from './cluster/shards.ts';
import { startReconciler } from './reconciler.ts';

let stage: SagaStage;
let bookings: Shards<BookingAddress, LocalBooking>;
/** Bookings whose actor was started, in order. */
let started: string[];
let unfinished: string[];
let expiring: string[];
let inVain: { bookingId: string; status: 'expired' | 'cancelled' }[];
/** What the view was asked: ms after the beginning. */
let asked: { call: string; beforeMs: number }[];
let failures: string[];
let viewIsAway: boolean;

beforeEach(() => {
  stage = new SagaStage();
  // The stage's own actor is another incarnation, which has died.
  stage.deps.actors.stop(stage.actor.ref);
  inVain = [];
  [started, unfinished, expiring, asked, failures, viewIsAway] = [[], [], [], [], [], false];
  bookings = createShards<BookingAddress, LocalBooking>({
    kind: 'booking',
    membership: oneNode,
    start: (id) => {
      started.push(id);
      return startBooking(id, stage.deps);
    },
    reach: () => ({ send: () => expect.unreachable('there is no other node') }),
    end: async (booking) => booking.close(),
    leases: null,
  });
});

const noShards = { find: () => expect.unreachable('nothing was found'), isHere: () => true };

function start(): void {
  const answer = async (call: string, beforeMs: number, found: readonly string[]) => {
    asked.push({ call, beforeMs: beforeMs - startMs });
    if (viewIsAway) throw new Error('the view is away');
    return found;
  };
  startReconciler({
    actors: stage.deps.actors,
    sagas: {
      unfinished: (beforeMs) => answer('unfinished', beforeMs, unfinished),
      waitingInVain: async () => inVain,
      expiringUnpaid: (beforeMs) => answer('expiring', beforeMs, expiring),
    },
    bookings,
    zones: noShards,
    rooms: noShards,
    zonesWithHolds: async () => [],
    roomsOn: async () => [],
    failed: (error) => failures.push(String(error)),
  });
}

/** The booking has a live payment; its actor is gone. */
async function payBegun(): Promise<string> {
  const { bookingId } = stage.booking;
  await stage.after(500, pay(stage.deps, bookings.find(bookingId), { booking: stage.booking, provider: 'stripe' }));
  bookings.retire(({ ref }) => stage.deps.actors.stopIfIdle(ref));
  started.length = 0;
  return bookingId;
}

describe('a sweep', () => {
  it('takes everything at first, then what was quiet for five seconds, every ten', async () => {
    start();
    await stage.after(20_000);
    const beforeMs = (call: string) => asked.filter((each) => each.call === call).map((each) => each.beforeMs);
    expect(beforeMs('unfinished')).toEqual([10_000, 5_000, 15_000]);
    expect(beforeMs('expiring')).toEqual([30_000, 40_000, 50_000]);
  });

  it('that finds nothing out is followed by others', async () => {
    viewIsAway = true;
    start();
    await stage.after(1_000);
    expect(failures).toEqual(['Error: the view is away']);
    viewIsAway = false;
    unfinished = ['left'];
    await stage.after(10_000);
    expect(started).toEqual(['left']);
  });

  it('starts a saga that stopped in the middle, which goes on by itself', async () => {
    const bookingId = await payBegun();
    stage.payIntent();
    stage.fail('confirm', 'hangs');
    bookings.find(bookingId);
    const half = bookings.started.get(bookingId) as LocalBooking;
    expiring = [bookingId];
    start();
    await stage.after(500);
    expect([stage.booking.status, half.isAtRest()]).toEqual(['reserved', false]);
    stage.deps.actors.stop(half.ref);
    bookings.retire(({ ref }) => ref === half.ref);
    [expiring, unfinished] = [[], [bookingId]];
    await stage.after(10_000);
    expect(stage.booking.status).toBe('confirmed');
  });

  it('has holds that end soon look at the provider: a webhook was lost', async () => {
    expiring = [await payBegun()];
    start();
    await stage.after(1_000);
    expect(stage.booking.status).toBe('reserved');
    stage.payIntent();
    await stage.after(10_000);
    expect(stage.booking.status).toBe('confirmed');
  });
});

describe('a saga that waits for nothing', () => {
  it('is let go, and comes back from its events when it is asked for', async () => {
    const bookingId = await payBegun();
    bookings.find(bookingId);
    start();
    await stage.after(11_000);
    bookings.find(bookingId);
    expect(started).toEqual([bookingId, bookingId]);
    const again = pay(stage.deps, bookings.find(bookingId), { booking: stage.booking, provider: 'stripe' });
    expect(await stage.after(500, again)).toMatchObject({ ok: true, value: { clientSecret: 'pi_1_secret' } });
    expect(stage.times('intent')).toBe(1);
  });

  it('is not let go while somebody waits for it', async () => {
    stage.fail('openIntent', 'hangs');
    const { bookingId } = stage.booking;
    void pay(stage.deps, bookings.find(bookingId), { booking: stage.booking, provider: 'stripe' });
    start();
    await stage.after(25_000);
    bookings.find(bookingId);
    expect(started).toEqual([bookingId]);
  });
});
