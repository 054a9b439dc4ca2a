/**
 * What a saga decides when something is asked of it or told to it: pure functions from saga and news to events.
 * An empty list means that nothing follows (a repetition, or news that came too late).
 */
import type { Booking } from './booking.ts';
import { accept, type Outcome, reject, unavailable } from './outcome.ts';
import type { IntentState, ProviderName } from './payment.ts';
import { retryDelayMs, retryRules, type Saga } from './saga.ts';
import type { SagaBooking, SagaEvent, Step } from './saga-events.ts';

/** An event without the fields that every event has. */
type Bare<T> = T extends unknown ? Omit<T, 'atMs' | 'bookingId' | 'eventId' | 'traceparent'> : never;
export type News = Bare<SagaEvent>;

export interface PaymentAsked {
  readonly booking: Booking;
  readonly paymentId: string;
  readonly provider: ProviderName;
  readonly paymentGraceMs: number;
  /** Where the buyer goes after the provider's own page. */
  readonly returnUrl?: string | undefined;
}

/** Why no payment can be begun for the booking now; null when one can. */
export function whyNotPayable(booking: Booking, nowMs: number): 'RESERVATION_EXPIRED' | 'INVALID_STATE' | null {
  if (booking.status === 'expired' || (booking.status === 'reserved' && booking.expiresAtMs <= nowMs))
    return 'RESERVATION_EXPIRED';
  if (booking.status !== 'reserved' || booking.amountMinor === 0) return 'INVALID_STATE';
  return null;
}

/** Begins a payment, unless one is under way: a booking has at most one live intent. */
export function decidePayment(saga: Saga, asked: PaymentAsked, nowMs: number): readonly News[] {
  const { booking, paymentId, provider, paymentGraceMs, returnUrl } = asked;
  if (saga.step !== 'idle' || whyNotPayable(booking, nowMs)) return [];
  const extended = booking.expiresAtMs !== booking.firstExpiresAtMs;
  const graceEndMs = nowMs + paymentGraceMs;
  const extendToMs = !extended && booking.expiresAtMs < graceEndMs ? graceEndMs : null;
  const attempt = (saga.payment?.attempt ?? 0) + 1;
  const requested = { booking: sagaBooking(booking), paymentId, provider, attempt, extendToMs };
  return [{ type: 'payment-requested', ...requested, ...(returnUrl ? { returnUrl } : {}) }];
}

/** Settles a booking that costs nothing. */
export function decideFree(saga: Saga, booking: Booking): readonly News[] {
  if (saga.step !== 'idle' || booking.status !== 'reserved' || booking.amountMinor !== 0) return [];
  return [{ type: 'free-requested', booking: sagaBooking(booking) }];
}

function sagaBooking({ bookingId, eventId, zoneId, userId, quantity, amountMinor, currency }: Booking): SagaBooking {
  return { bookingId, eventId, zoneId, userId, quantity, amountMinor, currency };
}

/** What the provider says of an intent, by webhook or because we asked. */
export type IntentNews = Pick<IntentState, 'intentId' | 'amountMinor' | 'currency'> &
  (
    | { readonly kind: 'succeeded' }
    | { readonly kind: 'cancelled'; readonly declineCode: string | null }
    | { readonly kind: 'failed'; readonly declineCode: string | null; readonly providerEventId: string }
  );

/**
 * `unknown`: the intent is none of this saga's. `early`: we have not yet heard ourselves that the intent was made, so
 * the news must come again.
 */
export function placeIntent(saga: Saga, intentId: string): 'ours' | 'early' | 'unknown' {
  if (saga.payment?.intentId === intentId) return 'ours';
  return saga.step === 'open-intent' || saga.step === 'extend-hold' ? 'early' : 'unknown';
}

/** Whether the money is what the booking costs. */
export function isAsExpected({ booking }: Saga, money: Pick<IntentState, 'amountMinor' | 'currency'>): boolean {
  return booking !== null && money.amountMinor === booking.amountMinor && money.currency === booking.currency;
}

export function decideIntentNews(saga: Saga, news: IntentNews): readonly News[] {
  const { payment, booking } = saga;
  if (!payment || !booking || payment.intentId !== news.intentId) return [];
  const { paymentId } = payment;
  const { intentId } = news;
  if (news.kind !== 'succeeded' && saga.step !== 'await-payment') return [];
  if (news.kind === 'cancelled')
    return [{ type: 'intent-voided', paymentId, ...(news.declineCode ? { declineCode: news.declineCode } : {}) }];
  if (news.kind === 'failed') {
    const { declineCode, providerEventId } = news;
    if (saga.failures.includes(providerEventId)) return [];
    const failed = {
      declineCode: declineCode ?? 'generic_decline',
      providerEventId,
      failure: saga.failures.length + 1,
    };
    return [{ type: 'payment-failed', paymentId, intentId, ...failed }];
  }
  if (!canStillBePaid(saga)) return [];
  const asExpected = isAsExpected(saga, news);
  return [{ type: 'payment-succeeded', paymentId, intentId, amountMinor: news.amountMinor, asExpected }];
}

/** Success of another amount than the booking's is not believed on the word of a notice. */
export function contradicts(saga: Saga, notice: IntentNews): boolean {
  return canStillBePaid(saga) && notice.kind === 'succeeded' && !isAsExpected(saga, notice);
}

/** Whether a notice tells of the very money that the saga waits for. */
export function isMoneyAwaited(saga: Saga, notice: IntentNews): boolean {
  const { step, payment } = saga;
  const isSuccess = notice.kind === 'succeeded' && isAsExpected(saga, notice);
  return step === 'await-payment' && payment?.intentId === notice.intentId && isSuccess;
}

/** What the bringer of a notice is answered once it is durable. */
export function noticeTaken(saga: Saga, notice: IntentNews): Outcome<null> {
  switch (placeIntent(saga, notice.intentId)) {
    case 'ours':
      return contradicts(saga, notice)
        ? reject('INVALID_STATE', undefined, 'the notice names another amount than the booking')
        : accept(null);
    case 'early':
      return unavailable('the payment is still being opened');
    case 'unknown':
      return reject('INVALID_STATE', undefined, 'the intent belongs to no payment of this booking');
  }
}

/**
 * Money that comes for an intent we gave up, or are about to, is money all the same: it confirms the booking or goes back.
 */
export function canStillBePaid({ step }: Saga): boolean {
  return step === 'await-payment' || step === 'void-intent' || step === 'idle';
}

/** The hold is gone: an intent that waits for a payment is of no use any more. */
export function decideHoldEnded(saga: Saga, reason: 'expired' | 'cancelled'): readonly News[] {
  return saga.step === 'await-payment' ? [{ type: 'hold-ended', reason }] : [];
}

/** Only telling the buyer can be taken up again after it was given up: an intent is asked for anew by who wants to pay. */
export function decideResume(saga: Saga, step: Step | null): readonly News[] {
  return saga.step === 'done' && step === 'send-notification' ? [{ type: 'step-resumed', step }] : [];
}

/** The result of a step's effect. One that belongs to a step that is over is dropped. */
export function decideResult(saga: Saga, step: Step, result: readonly News[]): readonly News[] {
  return saga.step === step ? result : [];
}

/** A step's effect failed: again later, or, where the rule allows it, no more. `chance` is uniform in [0, 1). */
export function decideFailure(
  saga: Saga,
  step: Step,
  failed: { readonly error: string; readonly nowMs: number; readonly chance: number },
): readonly News[] {
  if (saga.step !== step) return [];
  const attempt = saga.attempts + 1;
  if (attempt >= (retryRules[step]?.attemptsMax ?? Number.POSITIVE_INFINITY))
    return [{ type: 'step-skipped', step, error: failed.error }];
  return [
    {
      type: 'step-failed',
      step,
      attempt,
      error: failed.error,
      retryAtMs: failed.nowMs + retryDelayMs(attempt, failed.chance),
    },
  ];
}
