/**
 * The saga of one booking, from the moment money is asked for to a confirmed ticket or a refund, as pure functions over
 * its events. Each step has exactly one effect, and `stepAfter` is the whole transition table:
 *
 *   idle ─▶ extend-hold ─▶ open-intent ─▶ await-payment ─▶ confirm-booking ─▶ issue-tickets ─▶ send-notification ─▶ done
 *                                                               │ the hold is gone
 *                                                               ▼
 *                                                           reacquire ─▶ (as confirmed) | refund ─▶ write-off ─▶ refunded
 *
 *   await-payment ─ the hold has ended ─▶ void-intent ─▶ idle | (paid after all) confirm-booking
 *   done ─ the booking is given back ─▶ return-seats ─▶ return-money ─▶ refunded
 *   done ─ a part of the money goes back ─▶ return-money ─▶ done
 *
 * The effect of a step may run twice (a crash between effect and event), so every effect is idempotent. What it costs to
 * be wrong decides how long a step is tried: steps that hold somebody's money are never given up.
 */
import type { RejectionCode } from './outcome.ts';
import type { ProviderName } from './payment.ts';
import type { Refund, SagaBooking, SagaEvent, Step } from './saga-events.ts';
import { ofTrace } from './trace-context.ts';

export interface SagaPayment {
  readonly paymentId: string;
  readonly provider: ProviderName;
  /** 1, 2 … : part of the provider's idempotency key. */
  readonly attempt: number;
  readonly intentId: string | null;
  readonly clientSecret: string | null;
  /** The provider's page, where the buyer pays there. Absent in payments of earlier builds. */
  readonly redirectUrl?: string;
  /** Where the buyer goes when that page is done with; asked for with the payment. */
  readonly returnUrl?: string;
  readonly declineCode: string | null;
  readonly capturedMinor: number;
  readonly status: 'opening' | 'open' | 'voided' | 'succeeded' | 'refunded';
}

export interface Saga {
  readonly booking: SagaBooking | null;
  readonly step: Step;
  /** Failed attempts of the present step. */
  readonly attempts: number;
  readonly retryAtMs: number;
  /** When what is under way began: money came, or somebody wants it back. 0: not yet. */
  readonly movingSinceMs: number;
  readonly extendToMs: number | null;
  readonly payment: SagaPayment | null;
  /** The notices of attempts that failed on this intent. */
  readonly failures: readonly string[];
  /** Why the last request for payment came to nothing. */
  readonly refusal: RejectionCode | null;
  readonly refundReason: string;
  /** Of a confirmed booking, oldest first; only the last can be under way. */
  readonly refunds: readonly Refund[];
  /** What they have given back so far. */
  readonly refundedMinor: number;
  /** W3C Trace Context of the request that it works for now. */
  readonly traceparent?: string;
}

export const newSaga: Saga = {
  booking: null,
  step: 'idle',
  attempts: 0,
  retryAtMs: 0,
  movingSinceMs: 0,
  extendToMs: null,
  payment: null,
  failures: [],
  refusal: null,
  refundReason: '',
  refunds: [],
  refundedMinor: 0,
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
    case 'hold-ended':
      return 'void-intent';
    case 'refund-requested':
      return event.ends ? 'return-seats' : 'return-money';
    case 'seats-returned':
      return event.owedMinor > 0 ? 'return-money' : 'refunded';
    case 'money-returned':
      return event.ends ? 'refunded' : 'done';
    case 'hold-gone':
    case 'intent-refused':
    case 'intent-voided':
      return 'idle';
    case 'step-failed':
    case 'step-resumed':
      return event.step;
    case 'step-skipped':
      return event.step === 'send-notification' ? 'done' : 'idle';
  }
}

/** The only mutator, and the replay. */
export function applySaga(saga: Saga, event: SagaEvent): Saga {
  const moved = {
    ...saga,
    step: stepAfter(event),
    attempts: 0,
    retryAtMs: 0,
    movingSinceMs: movingSince(saga, event),
    ...ofTrace(event.traceparent),
  };
  switch (event.type) {
    case 'payment-requested': {
      const { booking, paymentId, provider, attempt, extendToMs, returnUrl } = event;
      const payment: SagaPayment = {
        paymentId,
        provider,
        attempt,
        intentId: null,
        clientSecret: null,
        declineCode: null,
        capturedMinor: 0,
        status: 'opening',
        ...(returnUrl ? { returnUrl } : {}),
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
        payment: changed(saga, {
          status: 'open',
          intentId: event.intentId,
          clientSecret: event.clientSecret ?? null,
          ...(event.redirectUrl ? { redirectUrl: event.redirectUrl } : {}),
        }),
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
    case 'intent-voided': {
      const { declineCode = saga.payment?.declineCode ?? null } = event;
      return { ...moved, payment: changed(saga, { status: 'voided', declineCode }), refusal: null };
    }
    case 'refund-requested': {
      const { refund, paymentId, amountMinor, withheldMinor, reason, ends, requestKey } = event;
      const begun = { refund, paymentId, amountMinor, withheldMinor, reason, ends, requestKey };
      return { ...moved, refunds: [...saga.refunds, begun] };
    }
    case 'money-returned': {
      const payment = event.ends ? changed(saga, { status: 'refunded' }) : saga.payment;
      return { ...moved, payment, refundedMinor: saga.refundedMinor + event.amountMinor };
    }
    default:
      return moved;
  }
}

function movingSince(saga: Saga, { type, atMs }: SagaEvent): number {
  return type === 'payment-succeeded' || type === 'free-requested' || type === 'refund-requested'
    ? atMs
    : saga.movingSinceMs;
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
  // Until an order that its provider cannot void has run out by itself. No money is lost with giving up: should somebody
  // pay the intent all the same, that is heard and made good.
  'void-intent': { attemptsMax: 24 },
};

/** An effect that has not ended by then has failed, and is tried again; should it end later, nobody listens. */
export const stepTimeoutMs = 30_000;

/** A step that failed this often is reported as stuck, however long it goes on being tried. */
export const stuckAfterAttempts = 4;

/** A saga that holds somebody's money longer than this is reported as stuck with its next failure. */
const sagaTimeoutMs = 60_000;

/** Whether a saga whose step has just failed needs somebody to look at it. */
export function isStuck({ attempts, movingSinceMs }: Saga, nowMs: number): boolean {
  return attempts >= stuckAfterAttempts || (movingSinceMs > 0 && nowMs - movingSinceMs > sagaTimeoutMs);
}

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
    case 'void-intent':
      return 'paying';
    case 'confirm-booking':
    case 'issue-tickets':
    case 'send-notification':
      return 'running';
    case 'reacquire':
    case 'refund':
    case 'write-off':
    case 'return-seats':
    case 'return-money':
      return 'compensating';
    case 'done':
      return 'completed';
    case 'refunded':
      return 'refunded';
  }
}
