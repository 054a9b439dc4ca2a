/**
 * What is written down of a saga: its steps, and the events that lead from one to the next. Only shapes; what they mean
 * is said in saga.ts.
 */
import type { Booking } from './booking.ts';
import type { ProviderName } from './payment.ts';

export type Step =
  | 'idle'
  | 'extend-hold'
  | 'open-intent'
  | 'await-payment'
  | 'void-intent'
  | 'confirm-booking'
  | 'reacquire'
  | 'issue-tickets'
  | 'send-notification'
  | 'refund'
  | 'write-off'
  | 'return-seats'
  | 'return-money'
  | 'done'
  | 'refunded';

/** What a saga must know of its booking; copied from it when the saga begins. */
export type SagaBooking = Pick<
  Booking,
  'bookingId' | 'eventId' | 'zoneId' | 'userId' | 'quantity' | 'amountMinor' | 'currency'
>;

/** One refund of a confirmed booking: the first, the second … of its payment. */
export interface Refund {
  readonly refund: number;
  /** Null when the booking was free. */
  readonly paymentId: string | null;
  /** Of the currency's minor unit; 0 when the policy gives nothing back. */
  readonly amountMinor: number;
  /** What the organizer keeps for good; only a refund that ends the booking says so. */
  readonly withheldMinor: number;
  readonly reason: string;
  /** Whether the booking ends with it: seats and tickets go. */
  readonly ends: boolean;
  /** What tells a repeated request from a second refund. */
  readonly requestKey: string;
}

/**
 * Version 1 of the saga's events. A stored event is never changed; a new shape gets a new type. A field that came later
 * is optional: events stored before lack it.
 */
export type SagaEvent = {
  readonly atMs: number;
  readonly bookingId: string;
  readonly eventId: string;
  /** Of the request that set the saga going; what outlives the request is told under it. */
  readonly traceparent?: string;
} & (
  | {
      readonly type: 'payment-requested';
      readonly booking: SagaBooking;
      readonly paymentId: string;
      readonly provider: ProviderName;
      readonly attempt: number;
      /** Null when the hold lasts long enough, or was extended before. */
      readonly extendToMs: number | null;
      readonly returnUrl?: string;
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
      readonly clientSecret?: string;
      readonly redirectUrl?: string;
      readonly returnUrl?: string;
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
  /** The hold of a booking that waits for a payment is gone: nobody may pay for it any more. */
  | { readonly type: 'hold-ended'; readonly reason: 'expired' | 'cancelled' }
  /** Nobody can pay this intent any more, and nobody did. A decline code where a refused attempt was the end of it. */
  | { readonly type: 'intent-voided'; readonly paymentId: string; readonly declineCode?: string }
  | ({ readonly type: 'refund-requested' } & Refund)
  /** The zone has the seats again. What is then still owed to the buyer, in the minor unit of the currency. */
  | { readonly type: 'seats-returned'; readonly owedMinor: number }
  | ({ readonly type: 'money-returned'; readonly refundId: string } & Refund)
  | {
      readonly type: 'step-failed';
      readonly step: Step;
      readonly attempt: number;
      readonly error: string;
      readonly retryAtMs: number;
    }
  | { readonly type: 'step-resumed'; readonly step: Step }
  | { readonly type: 'step-skipped'; readonly step: Step; readonly error: string }
);
