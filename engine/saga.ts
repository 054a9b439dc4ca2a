/**
 * The saga of one booking, from the moment money is asked for to a confirmed ticket or a refund, as pure functions over
 * its events. Each step has exactly one effect, and `stepAfter` is the whole transition table:
 *
 *   idle ─▶ extend-hold ─▶ open-intent ─▶ await-payment ─▶ confirm-booking ─▶ issue-tickets ─▶ send-notification ─▶ done
 *                                                               │ the hold is gone
 *                                                               ▼
 *                                                           reacquire ─▶ (as confirmed) | refund ─▶ write-off ─▶ refunded
 *
 * The effect of a step may run twice (a crash between effect and event), so every effect is idempotent. What it costs to
 * be wrong decides how long a step is tried: steps that hold somebody's money are never given up.
 */
import type { Booking } from './booking.ts';
import type { RejectionCode } from './outcome.ts';
import type { ProviderName } from './payment.ts';

export type Step =
  | 'idle'
  | 'extend-hold'
  | 'open-intent'
  | 'await-payment'
  | 'confirm-booking'
  | 'reacquire'
  | 'issue-tickets'
  | 'send-notification'
  | 'refund'
  | 'write-off'
  | 'done'
  | 'refunded';

/** What a saga must know of its booking; copied from it when the saga begins. */
export type SagaBooking = Pick<
  Booking,
  'bookingId' | 'eventId' | 'zoneId' | 'userId' | 'quantity' | 'amountMinor' | 'currency'
>;

export interface SagaPayment {
  readonly paymentId: string;
  readonly provider: ProviderName;
  /** 1, 2 … : part of the provider's idempotency key. */
  readonly attempt: number;
  readonly intentId: string | null;
  readonly clientSecret: string | null;
  readonly declineCode: string | null;
  readonly capturedMinor: number;
  readonly status: 'opening' | 'open' | 'succeeded' | 'refunded';
}

/** Version 1 of the saga's events. A stored event is never changed; a new shape gets a new type. */
export type SagaEvent = { readonly atMs: number; readonly bookingId: string; readonly eventId: string } & (
  | {
      readonly type: 'payment-requested';
      readonly booking: SagaBooking;
      readonly paymentId: string;
      readonly provider: ProviderName;
      readonly attempt: number;
      /** Null when the hold lasts long enough, or was extended before. */
      readonly extendToMs: number | null;
    }
  | { readonly type: 'free-requested'; readonly booking: SagaBooking }
  | { readonly type: 'hold-extended' }
  | { readonly type: 'hold-gone' }
  | {
      readonly type: 'intent-opened';
      readonly paymentId: string;
      readonly userId: string;
      readonly provider: ProviderName;
      readonly amountMinor: number;
      readonly currency: string;
      readonly intentId: string;
      readonly clientSecret: string;
    }
  | { readonly type: 'intent-refused'; readonly error: string }
  | {
      readonly type: 'payment-failed';
      readonly paymentId: string;
      readonly intentId: string;
      readonly declineCode: string;
      /** Of the notice that told of it: notices come more than once. */
      readonly providerEventId: string;
      /** 1, 2 … failed attempts on this intent. */
      readonly failure: number;
    }
  | {
      readonly type: 'payment-succeeded';
      readonly paymentId: string;
      readonly intentId: string;
      readonly amountMinor: number;
      readonly asExpected: boolean;
    }
  | { readonly type: 'booking-confirmed'; readonly by: 'hold' | 'reacquired' }
  | { readonly type: 'hold-missing' }
  | { readonly type: 'seats-refused'; readonly reason: string }
  | {
      readonly type: 'tickets-issued';
      readonly zoneId: string;
      readonly userId: string;
      readonly codes: readonly string[];
    }
  | { readonly type: 'notified' }
  | {
      readonly type: 'refund-settled';
      readonly paymentId: string;
      readonly amountMinor: number;
      readonly refundId: string;
      readonly reason: string;
    }
  | { readonly type: 'written-off' }
  | {
      readonly type: 'step-failed';
      readonly step: Step;
      readonly attempt: number;
      readonly error: string;
      readonly retryAtMs: number;
    }
  | { readonly type: 'step-skipped'; readonly step: Step; readonly error: string }
);

export interface Saga {
  readonly booking: SagaBooking | null;
  readonly step: Step;
  /** Failed attempts of the present step. */
  readonly attempts: number;
  readonly retryAtMs: number;
  readonly extendToMs: number | null;
  readonly payment: SagaPayment | null;
  /** The notices of attempts that failed on this intent. */
  readonly failures: readonly string[];
  /** Why the last request for payment came to nothing. */
  readonly refusal: RejectionCode | null;
  readonly refundReason: string;
}

export const newSaga: Saga = {
  booking: null,
  step: 'idle',
  attempts: 0,
  retryAtMs: 0,
  extendToMs: null,
  payment: null,
  failures: [],
  refusal: null,
  refundReason: '',
};

/** The step that follows an event. `step-failed` stays where it is; a failed payment may be tried again. */
export function stepAfter(event: SagaEvent): Step {
  switch (event.type) {
    case 'payment-requested':
      return event.extendToMs === null ? 'open-intent' : 'extend-hold';
    case 'hold-extended':
      return 'open-intent';
    case 'intent-opened':
    case 'payment-failed':
      return 'await-payment';
    case 'payment-succeeded':
      return event.asExpected ? 'confirm-booking' : 'refund';
    case 'free-requested':
      return 'confirm-booking';
    case 'booking-confirmed':
      return 'issue-tickets';
    case 'hold-missing':
      return 'reacquire';
    case 'seats-refused':
      return 'refund';
    case 'tickets-issued':
      return 'send-notification';
    case 'notified':
      return 'done';
    case 'refund-settled':
      return 'write-off';
    case 'written-off':
      return 'refunded';
    case 'hold-gone':
    case 'intent-refused':
      return 'idle';
    case 'step-failed':
      return event.step;
    case 'step-skipped':
      return event.step === 'send-notification' ? 'done' : 'idle';
  }
}

/** The only mutator, and the replay. */
export function applySaga(saga: Saga, event: SagaEvent): Saga {
  const moved = { ...saga, step: stepAfter(event), attempts: 0, retryAtMs: 0 };
  switch (event.type) {
    case 'payment-requested': {
      const { booking, paymentId, provider, attempt, extendToMs } = event;
      const payment: SagaPayment = {
        paymentId,
        provider,
        attempt,
        intentId: null,
        clientSecret: null,
        declineCode: null,
        capturedMinor: 0,
        status: 'opening',
      };
      return { ...moved, booking, payment, extendToMs, refusal: null, failures: [] };
    }
    case 'free-requested':
      return { ...moved, booking: event.booking };
    case 'hold-gone':
      return { ...moved, refusal: 'RESERVATION_EXPIRED' };
    case 'intent-refused':
    case 'step-skipped':
      return { ...moved, refusal: 'SERVICE_UNAVAILABLE' };
    case 'step-failed':
      return { ...moved, attempts: event.attempt, retryAtMs: event.retryAtMs };
    case 'seats-refused':
      return { ...moved, refundReason: event.reason };
    case 'intent-opened':
      return {
        ...moved,
        payment: changed(saga, { status: 'open', intentId: event.intentId, clientSecret: event.clientSecret }),
      };
    case 'payment-failed':
      return {
        ...moved,
        failures: [...saga.failures, event.providerEventId],
        payment: changed(saga, { declineCode: event.declineCode }),
      };
    case 'payment-succeeded':
      return {
        ...moved,
        payment: changed(saga, { status: 'succeeded', capturedMinor: event.amountMinor }),
        refundReason: event.asExpected ? '' : 'amount_mismatch',
      };
    case 'refund-settled':
      return { ...moved, payment: changed(saga, { status: 'refunded' }) };
    default:
      return moved;
  }
}

function changed(saga: Saga, change: Partial<SagaPayment>): SagaPayment | null {
  return saga.payment && { ...saga.payment, ...change };
}

// ---- retries

interface RetryRule {
  /** Failed attempts after which the step is given up; Infinity for steps that hold somebody's money. */
  readonly attemptsMax: number;
}

/** SPEC: three retries a step; `confirm` and `refund` until they are settled. */
export const retryRules: Readonly<Partial<Record<Step, RetryRule>>> = {
  'extend-hold': { attemptsMax: 4 },
  'open-intent': { attemptsMax: 4 },
  'send-notification': { attemptsMax: 4 },
};

/** A step that failed this often is reported as stuck, however long it goes on being tried. */
export const stuckAfterAttempts = 4;

const retryFirstMs = 200;
const retryMostMs = 30_000;

/** Exponential back-off with full jitter: `chance` is uniform in [0, 1). */
export function retryDelayMs(attempt: number, chance: number): number {
  const most = Math.min(retryMostMs, retryFirstMs * 2 ** (attempt - 1));
  return Math.round(most / 2 + (most / 2) * chance);
}

export type SagaStatus = 'idle' | 'paying' | 'running' | 'compensating' | 'completed' | 'refunded';

/** The coarse status that operators see. */
export function statusOf(step: Step): SagaStatus {
  switch (step) {
    case 'idle':
      return 'idle';
    case 'extend-hold':
    case 'open-intent':
    case 'await-payment':
      return 'paying';
    case 'confirm-booking':
    case 'issue-tickets':
    case 'send-notification':
      return 'running';
    case 'reacquire':
    case 'refund':
    case 'write-off':
      return 'compensating';
    case 'done':
      return 'completed';
    case 'refunded':
      return 'refunded';
  }
}
