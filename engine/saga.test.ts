import { describe, expect, it } from 'vitest';
import type { Booking } from './booking.ts';
import { applySaga, newSaga, retryDelayMs, type Saga, statusOf, stepAfter } from './saga.ts';
import {
  decideFailure,
  decideFree,
  decideIntentNews,
  decidePayment,
  decideResult,
  type IntentNews,
  type News,
  placeIntent,
  whyNotPayable,
} from './saga-decisions.ts';
import type { SagaEvent, Step } from './saga-events.ts';

const nowMs = 1_700_000_000_000;
const held: Booking = {
  bookingId: 'b',
  eventId: 'e',
  zoneId: 'z',
  userId: 'u',
  quantity: 2,
  amountMinor: 3_000,
  currency: 'THB',
  status: 'reserved',
  createdAtMs: nowMs - 1_000,
  expiresAtMs: nowMs + 600_000,
  firstExpiresAtMs: nowMs + 600_000,
  changedAtMs: null,
};
const asked = { booking: held, paymentId: 'p', provider: 'stripe' as const, paymentGraceMs: 120_000 };
const intent: IntentNews = {
  kind: 'succeeded',
  intentId: 'pi',
  amountMinor: 3_000,
  currency: 'THB',
};
const declined = (providerEventId: string): IntentNews => ({
  ...intent,
  kind: 'failed',
  declineCode: 'lost_card',
  providerEventId,
});

function run(saga: Saga, ...news: readonly (readonly News[])[]): Saga {
  return news
    .flat()
    .reduce(
      (state, event) => applySaga(state, { ...event, atMs: nowMs, bookingId: 'b', eventId: 'e' } as SagaEvent),
      saga,
    );
}

const opened: News = {
  type: 'intent-opened',
  paymentId: 'p',
  userId: 'u',
  provider: 'stripe',
  amountMinor: 3_000,
  currency: 'THB',
  intentId: 'pi',
  clientSecret: 's',
};
const waiting = run(newSaga, decidePayment(newSaga, asked, nowMs), [opened]);

describe('asking for a payment', () => {
  it('opens an intent at once when the hold lasts longer than the grace', () => {
    expect(run(newSaga, decidePayment(newSaga, asked, nowMs)).step).toBe('open-intent');
  });

  it('extends a hold that would end within the grace, once', () => {
    const short = { ...held, expiresAtMs: nowMs + 5_000, firstExpiresAtMs: nowMs + 5_000 };
    const [requested] = decidePayment(newSaga, { ...asked, booking: short }, nowMs);
    expect(requested).toMatchObject({ type: 'payment-requested', extendToMs: nowMs + 120_000, attempt: 1 });
    const extendedBefore = { ...short, firstExpiresAtMs: nowMs - 1 };
    expect(decidePayment(newSaga, { ...asked, booking: extendedBefore }, nowMs)).toMatchObject([{ extendToMs: null }]);
  });

  it('has at most one live intent: asking again while one is under way decides nothing', () => {
    expect(decidePayment(waiting, asked, nowMs)).toEqual([]);
  });

  it('begins a new attempt, with a new key, after the provider refused the first', () => {
    const refused = run(newSaga, decidePayment(newSaga, asked, nowMs), [{ type: 'intent-refused', error: 'no' }]);
    expect(refused).toMatchObject({ step: 'idle', refusal: 'SERVICE_UNAVAILABLE' });
    expect(decidePayment(refused, asked, nowMs)).toMatchObject([{ attempt: 2 }]);
  });

  it.each([
    ['expired', {}, 'RESERVATION_EXPIRED'],
    ['cancelled', {}, 'INVALID_STATE'],
    ['confirmed', {}, 'INVALID_STATE'],
    ['reserved', { expiresAtMs: nowMs }, 'RESERVATION_EXPIRED'],
    ['reserved', { amountMinor: 0 }, 'INVALID_STATE'],
  ] as const)('refuses a booking that is %s %o', (status, change, code) => {
    const booking = { ...held, status, ...change };
    expect(whyNotPayable(booking, nowMs)).toBe(code);
    expect(decidePayment(newSaga, { ...asked, booking }, nowMs)).toEqual([]);
  });
});

describe('what the provider says', () => {
  it('confirms the booking when the money is what was asked for', () => {
    expect(run(waiting, decideIntentNews(waiting, intent)).step).toBe('confirm-booking');
  });

  it.each([{ amountMinor: 2_999 }, { currency: 'USD' }])(
    'returns money that is not what was asked for: %o',
    (change) => {
      const paid = run(waiting, decideIntentNews(waiting, { ...intent, ...change }));
      expect(paid).toMatchObject({ step: 'refund', refundReason: 'amount_mismatch' });
    },
  );

  it('keeps waiting after a declined card, and counts each attempt once', () => {
    const once = run(waiting, decideIntentNews(waiting, declined('first')));
    const twice = run(once, decideIntentNews(once, declined('second')));
    expect(decideIntentNews(twice, declined('first'))).toEqual([]);
    expect(decideIntentNews(once, declined('second'))).toMatchObject([{ type: 'payment-failed', failure: 2 }]);
    expect(twice).toMatchObject({ step: 'await-payment', payment: { declineCode: 'lost_card' } });
    expect(run(twice, decideIntentNews(twice, intent)).step).toBe('confirm-booking');
  });

  it('does nothing for news that comes again, too late, or of another intent', () => {
    const paid = run(waiting, decideIntentNews(waiting, intent));
    expect(decideIntentNews(paid, intent)).toEqual([]);
    expect(decideIntentNews(paid, declined('late'))).toEqual([]);
    expect(decideIntentNews(waiting, { ...intent, intentId: 'other' })).toEqual([]);
    expect(decideIntentNews(newSaga, intent)).toEqual([]);
  });

  it('knows an intent that it has not yet heard of itself from one that is none of its own', () => {
    expect(placeIntent(waiting, 'pi')).toBe('ours');
    expect(placeIntent(waiting, 'other')).toBe('unknown');
    expect(placeIntent(run(newSaga, decidePayment(newSaga, asked, nowMs)), 'pi')).toBe('early');
    expect(placeIntent(newSaga, 'pi')).toBe('unknown');
  });
});

describe('after the money', () => {
  const paid = run(waiting, decideIntentNews(waiting, intent));

  it('goes from a live hold to done', () => {
    const tickets: News = { type: 'tickets-issued', zoneId: 'z', userId: 'u', codes: ['1', '2'] };
    const done = run(paid, [{ type: 'booking-confirmed', by: 'hold' }, tickets, { type: 'notified' }]);
    expect(done.step).toBe('done');
  });

  it('takes the seats again when the hold is gone', () => {
    const missing = run(paid, [{ type: 'hold-missing' }]);
    expect(missing.step).toBe('reacquire');
    expect(run(missing, [{ type: 'booking-confirmed', by: 'reacquired' }]).step).toBe('issue-tickets');
  });

  it('returns the money when the seats are gone too', () => {
    const refused = run(paid, [{ type: 'hold-missing' }, { type: 'seats-refused', reason: 'sold_out' }]);
    expect(refused).toMatchObject({ step: 'refund', refundReason: 'sold_out', payment: { capturedMinor: 3_000 } });
    const settled: News = {
      type: 'refund-settled',
      paymentId: 'p',
      amountMinor: 3_000,
      refundId: 're',
      reason: 'sold_out',
    };
    expect(run(refused, [settled, { type: 'written-off' }])).toMatchObject({
      step: 'refunded',
      payment: { status: 'refunded' },
    });
  });
});

describe('a free booking', () => {
  it('needs no payment', () => {
    const free = { ...held, amountMinor: 0 };
    expect(run(newSaga, decideFree(newSaga, free)).step).toBe('confirm-booking');
    expect(decideFree(newSaga, held)).toEqual([]);
    expect(decideFree(newSaga, { ...free, status: 'expired' })).toEqual([]);
  });
});

describe('failing steps', () => {
  const failed = { error: 'x', nowMs, chance: 0.5 };
  const failTimes = (saga: Saga, times: number) =>
    Array.from({ length: times }).reduce<Saga>((state) => run(state, decideFailure(state, state.step, failed)), saga);

  it('gives up on a notification after four attempts, and the saga is done all the same', () => {
    const notifying = run(waiting, decideIntentNews(waiting, intent), [
      { type: 'booking-confirmed', by: 'hold' },
      { type: 'tickets-issued', zoneId: 'z', userId: 'u', codes: ['1', '2'] },
    ]);
    expect(failTimes(notifying, 3)).toMatchObject({ step: 'send-notification', attempts: 3 });
    expect(failTimes(notifying, 4).step).toBe('done');
  });

  it('lets the buyer ask again after an intent that could not be opened', () => {
    const opening = run(newSaga, decidePayment(newSaga, asked, nowMs));
    expect(failTimes(opening, 4)).toMatchObject({ step: 'idle', refusal: 'SERVICE_UNAVAILABLE' });
  });

  it.each(['confirm-booking', 'refund', 'reacquire', 'write-off'] as const)(
    'never gives up %s: it holds somebody’s money',
    (step) => {
      const saga = { ...waiting, step };
      expect(failTimes(saga, 50)).toMatchObject({ step, attempts: 50 });
    },
  );

  it('drops a result or a failure of a step that is over', () => {
    expect(decideResult(waiting, 'open-intent', [opened])).toEqual([]);
    expect(decideFailure(waiting, 'open-intent', failed)).toEqual([]);
  });

  it('waits longer each time, within half and all of the step’s delay, and never beyond 30 s', () => {
    expect([1, 2, 3].map((attempt) => retryDelayMs(attempt, 0))).toEqual([100, 200, 400]);
    expect([1, 2, 3].map((attempt) => retryDelayMs(attempt, 1))).toEqual([200, 400, 800]);
    expect(retryDelayMs(60, 1)).toBe(30_000);
  });
});

it('shows operators a status for every step', () => {
  const steps: Step[] = ['idle', 'extend-hold', 'confirm-booking', 'refund', 'done', 'refunded'];
  expect(steps.map(statusOf)).toEqual(['idle', 'paying', 'running', 'compensating', 'completed', 'refunded']);
  const skipped = {
    type: 'step-skipped',
    step: 'send-notification',
    error: '',
    atMs: 0,
    bookingId: '',
    eventId: '',
  } as const;
  expect(stepAfter(skipped)).toBe('done');
});
