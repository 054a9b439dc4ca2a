/**
 * A process dies right after each thing that it did, one after the other by enumeration: every event that became
 * durable and every call to the outside. Whatever the moment, the booking ends as it ends without a crash, and nothing
 * that costs money or seats is done twice.
 */
import { describe, expect, it } from 'vitest';
import type { Booking } from '../engine/booking.ts';
import type { Outcome } from '../engine/outcome.ts';
import { applySaga, newSaga } from '../engine/saga.ts';
import type { IntentNews } from '../engine/saga-decisions.ts';
import { everyEventType } from '../test/corpus/event-types.ts';
import { SagaStage, startMs } from '../test/sim/saga-stage.ts';
import { endHold, pay, refund, resume, settle, tell } from './booking-requests.ts';

/** What a client does whose request came to nothing: it asks again, and so does a relay or a provider. */
async function insist<T>(stage: SagaStage, ask: () => Promise<Outcome<T>>): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    const answer = await stage.after(15_000, ask());
    if (answer?.ok) return;
  }
  throw new Error(`nothing came of it: ${stage.story.join(', ')}`);
}

const pays = (stage: SagaStage) =>
  insist(stage, () => pay(stage.deps, stage.actor, { booking: stage.booking, provider: 'stripe' }));
const settles = (stage: SagaStage) => insist(stage, () => settle(stage.deps, stage.actor, stage.booking));
const told = (stage: SagaStage, news: Partial<IntentNews> = {}) => {
  const { intentId = '', amountMinor = 0, currency = '' } = stage.intent ?? {};
  const notice = { kind: 'succeeded', intentId, amountMinor, currency, ...news } as IntentNews;
  return insist(stage, () => tell(stage.deps, stage.actor, notice));
};
const declines = (stage: SagaStage) =>
  told(stage, { kind: 'failed', declineCode: 'lost_card', providerEventId: 'evt_1' } as Partial<IntentNews>);
const givesBack = (stage: SagaStage, percent: number) => {
  const order = { kind: 'policy', percent, reason: 'policy', requestKey: 'given-back' } as const;
  return insist(stage, () => refund(stage.deps, stage.actor, { booking: stage.booking, order }));
};
const returnsPart = (stage: SagaStage, amountMinor: number) => {
  const order = { kind: 'amount', amountMinor, reason: 'organizer', requestKey: `part ${amountMinor}` } as const;
  return insist(stage, () => refund(stage.deps, stage.actor, { booking: stage.booking, order }));
};

async function sold(stage: SagaStage): Promise<void> {
  await pays(stage);
  stage.payIntent();
  await told(stage);
  await settles(stage);
}

async function paidLate(stage: SagaStage, status: Booking['status'], seatsAreFree: boolean): Promise<void> {
  await pays(stage);
  stage.booking = { ...stage.booking, status };
  stage.seatsAreFree = seatsAreFree;
  stage.payIntent();
  await told(stage);
}

/** As earlier builds, which told the buyer themselves, wrote it down. */
async function leftUntold(stage: SagaStage): Promise<void> {
  const { bookingId, eventId } = stage.booking;
  const skipped = { type: 'step-skipped', step: 'send-notification', error: 'no mail today' } as const;
  const record = {
    key: `booking:${bookingId}`,
    seq: stage.journal.records.length + 1,
    events: [{ ...skipped, bookingId, eventId, atMs: stage.world.clock.now() }],
  };
  await stage.after(1_000, stage.journal.append(record));
  stage.restart();
}

interface Path {
  readonly path: string;
  readonly booking?: Partial<Booking>;
  run(stage: SagaStage): Promise<void>;
  readonly ends: { readonly status: Booking['status']; readonly step: string; readonly done: readonly string[] };
}

const paths: readonly Path[] = [
  {
    path: 'paid',
    run: sold,
    ends: { status: 'confirmed', step: 'done', done: ['confirm', 'intent'] },
  },
  {
    path: 'declined, then paid',
    async run(stage) {
      await pays(stage);
      await declines(stage);
      stage.payIntent();
      await told(stage);
    },
    ends: { status: 'confirmed', step: 'done', done: ['confirm', 'intent'] },
  },
  {
    path: 'paid after the hold ran out, and there are seats',
    run: (stage) => paidLate(stage, 'expired', true),
    ends: { status: 'confirmed', step: 'done', done: ['intent', 'reacquire'] },
  },
  {
    path: 'paid after the hold ran out, and there are none',
    run: (stage) => paidLate(stage, 'expired', false),
    ends: { status: 'refunded', step: 'refunded', done: ['intent', 'refund', 'write-off'] },
  },
  {
    path: 'the hold runs out unpaid',
    async run(stage) {
      await pays(stage);
      stage.booking = { ...stage.booking, status: 'expired' };
      for (let tries = 0; tries < 5; tries++) {
        endHold(stage.actor, 'expired');
        await stage.after(10_000);
      }
    },
    ends: { status: 'expired', step: 'idle', done: ['intent', 'void'] },
  },
  {
    path: 'the hold is cancelled while the card pays',
    async run(stage) {
      await pays(stage);
      stage.booking = { ...stage.booking, status: 'cancelled' };
      stage.payIntent();
      for (let tries = 0; tries < 5; tries++) {
        endHold(stage.actor, 'cancelled');
        await stage.after(10_000);
      }
    },
    ends: { status: 'refunded', step: 'refunded', done: ['intent', 'refund', 'write-off'] },
  },
  {
    path: 'given back after it was confirmed',
    async run(stage) {
      await sold(stage);
      await givesBack(stage, 50);
    },
    ends: { status: 'refunded', step: 'refunded', done: ['confirm', 'intent', 'refund', 'seats back'] },
  },
  {
    path: 'given back for nothing',
    async run(stage) {
      await sold(stage);
      await givesBack(stage, 0);
    },
    ends: { status: 'refunded', step: 'refunded', done: ['confirm', 'intent', 'seats back'] },
  },
  {
    path: 'a part of the money returned, then the rest',
    async run(stage) {
      await sold(stage);
      await returnsPart(stage, 100_000);
      await returnsPart(stage, 200_000);
    },
    ends: { status: 'refunded', step: 'refunded', done: ['confirm', 'intent', 'refund', 'refund', 'seats back'] },
  },
  {
    path: 'free',
    booking: { amountMinor: 0 },
    run: settles,
    ends: { status: 'confirmed', step: 'done', done: ['confirm'] },
  },
  {
    path: 'free, and given back',
    booking: { amountMinor: 0 },
    async run(stage) {
      await settles(stage);
      await givesBack(stage, 100);
    },
    ends: { status: 'refunded', step: 'refunded', done: ['confirm', 'seats back'] },
  },
  {
    path: 'paid on a hold that was extended for it',
    booking: { expiresAtMs: startMs + 60_000, firstExpiresAtMs: startMs + 60_000 },
    run: sold,
    ends: { status: 'confirmed', step: 'done', done: ['confirm', 'extend', 'intent'] },
  },
  {
    path: 'the hold is gone before it is extended',
    booking: { expiresAtMs: startMs + 60_000, firstExpiresAtMs: startMs + 60_000 },
    async run(stage) {
      const asked = pay(stage.deps, stage.actor, { booking: stage.booking, provider: 'stripe' });
      stage.booking = { ...stage.booking, status: 'cancelled' };
      await stage.after(30_000, asked);
    },
    ends: { status: 'cancelled', step: 'idle', done: [] },
  },
  {
    path: 'the provider refuses an intent, and makes the next',
    async run(stage) {
      stage.fail('openIntent', 'refused');
      await sold(stage);
    },
    ends: { status: 'confirmed', step: 'done', done: ['confirm', 'intent'] },
  },
  {
    path: 'the provider is away until the payment is given up, and is asked for again',
    async run(stage) {
      stage.fail('openIntent', 'undone', 'undone', 'undone', 'undone');
      await sold(stage);
    },
    ends: { status: 'confirmed', step: 'done', done: ['confirm', 'intent'] },
  },
  {
    path: 'left by an earlier build that could not tell the buyer',
    async run(stage) {
      await sold(stage);
      await leftUntold(stage);
      for (let tries = 0; tries < 5; tries++) {
        resume(stage.actor, 'send-notification');
        await stage.after(10_000);
      }
    },
    ends: { status: 'confirmed', step: 'done', done: ['confirm', 'intent'] },
  },
];

async function play({ booking, run }: Path, dieAfter: number): Promise<SagaStage> {
  const stage = new SagaStage(booking);
  stage.dieAfter = dieAfter;
  await run(stage);
  await stage.after(120_000);
  return stage;
}

/** All that outsiders can see of how it ended. */
function endOf({ booking, done, intent, events }: SagaStage) {
  const saga = events.reduce(applySaga, newSaga);
  return {
    status: booking.status,
    step: saga.step,
    done: done.toSorted(),
    paid: intent && { status: intent.status, refundedMinor: intent.refundedMinor },
    refunds: saga.refunds.map(({ amountMinor, withheldMinor, ends }) => ({ amountMinor, withheldMinor, ends })),
    refundedMinor: saga.refundedMinor,
    tickets: events.filter(({ type }) => type === 'tickets-issued').length,
    told: events.some(({ type }) => type === 'notified'),
  };
}

describe.each(paths)('$path: a process that dies after each thing it did', (path) => {
  it('ends as without it', { timeout: 60_000 }, async () => {
    const whole = await play(path, Number.POSITIVE_INFINITY);
    const expected = endOf(whole);
    expect(expected).toMatchObject(path.ends);
    const ends = [];
    for (let dieAfter = 1; dieAfter <= whole.effects; dieAfter++) ends.push(endOf(await play(path, dieAfter)));
    expect(ends).toEqual(ends.map(() => expected));
    // The enumeration has met every event of this path, and calls besides.
    expect(whole.effects).toBeGreaterThan(whole.journal.records.length);
  });
});

it('all paths together meet every type of event', async () => {
  const stages = await Promise.all(paths.map((path) => play(path, Number.POSITIVE_INFINITY)));
  const met = new Set(stages.flatMap(({ story }) => story));
  expect([...met].sort()).toEqual(everyEventType.toSorted());
});
