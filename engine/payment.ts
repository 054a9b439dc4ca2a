/**
 * Payment words shared by the saga and the providers: what a provider is asked and what it may answer.
 * No provider's own names appear here; each adapter under providers/ translates.
 */
import type { Outcome } from './outcome.ts';

export type ProviderName = 'stripe';

/** Asks the provider for the right to collect `amountMinor` for one attempt of one booking. */
export interface IntentRequest {
  readonly bookingId: string;
  readonly eventId: string;
  readonly paymentId: string;
  /** Minor unit of `currency`, an integer > 0. */
  readonly amountMinor: number;
  /** ISO 4217, upper case. */
  readonly currency: string;
  /** The provider does the work of one key at most once. Must not be reused after 20 h (providers forget keys). */
  readonly idempotencyKey: string;
}

export interface Intent {
  readonly intentId: string;
  readonly clientSecret: string;
}

/** `processing` covers everything that may still succeed: requires_payment_method, requires_action, processing. */
export type IntentStatus = 'processing' | 'succeeded' | 'cancelled';

export interface IntentState extends Intent {
  readonly status: IntentStatus;
  readonly amountMinor: number;
  readonly currency: string;
  /** From the intent's metadata; null when the intent is not one of ours. */
  readonly bookingId: string | null;
  /** Decline code of the last failed attempt, or null. */
  readonly declineCode: string | null;
  /** What was refunded of it so far. */
  readonly refundedMinor: number;
}

export interface RefundRequest {
  readonly intentId: string;
  readonly amountMinor: number;
  readonly idempotencyKey: string;
}

/** What a verified webhook means to us. `ignored`: really from the provider, of a type we do not act on. */
export type PaymentNotice =
  | {
      readonly kind: 'succeeded' | 'failed' | 'cancelled';
      readonly providerEventId: string;
      readonly intentId: string;
      readonly bookingId: string | null;
      readonly amountMinor: number;
      readonly currency: string;
      readonly declineCode: string | null;
    }
  | { readonly kind: 'ignored'; readonly providerEventId: string; readonly type: string };

/**
 * A payment provider. Every method that fails to get an answer rejects with `ProviderUnavailable`: the effect may
 * have happened, and the same call with the same key is the safe next move (within 20 h).
 */
export interface PaymentProvider {
  readonly name: ProviderName;
  openIntent(request: IntentRequest): Promise<Intent>;
  readIntent(intentId: string): Promise<IntentState>;
  /** Voids an intent that nobody paid. Answers the state after it: `succeeded` when the money was faster. */
  cancelIntent(intentId: string): Promise<IntentState>;
  refund(request: RefundRequest): Promise<{ readonly refundId: string }>;
  /** Checks the signature over the raw body and translates. Rejects with UNAUTHORIZED or VALIDATION_ERROR. */
  readNotice(rawBody: Uint8Array, signature: string, nowMs: number): Outcome<PaymentNotice>;
}

/** The provider gave no answer we can rely on (timeout, closed connection, 5xx, 429, 409 in flight). */
export class ProviderUnavailable extends Error {
  override readonly name = 'ProviderUnavailable';
}

/** The provider answered that it will never do this (bad parameters, unknown object). Not worth a retry. */
export class ProviderRefused extends Error {
  override readonly name = 'ProviderRefused';
}
