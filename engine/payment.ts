/**
 * Payment words shared by the saga and the providers: what a provider is asked and what it may answer.
 * No provider's own names appear here; each adapter under providers/ translates.
 */
import type { Outcome } from './outcome.ts';

export const providerNames = ['stripe', 'vnpay', 'zalopay', 'payos'] as const;
export type ProviderName = (typeof providerNames)[number];

/** The currencies that a provider collects in; `any`: whatever the provider itself does not refuse. */
const currenciesOf: Readonly<Record<ProviderName, readonly string[] | 'any'>> = {
  stripe: 'any',
  vnpay: ['VND'],
  zalopay: ['VND'],
  payos: ['VND'],
};

/** Whether money of this currency (ISO 4217, upper case) can be collected there at all. */
export function takesCurrency(provider: ProviderName, currency: string): boolean {
  const currencies = currenciesOf[provider];
  return currencies === 'any' || currencies.includes(currency);
}

/** Providers that may answer a refund with `RefundByHand`. */
export function mayRefundByHand(provider: ProviderName): boolean {
  return provider === 'payos' || provider === 'vnpay';
}

/** Asks the provider for the right to collect `amountMinor` for one attempt of one booking. */
export interface IntentRequest {
  readonly bookingId: string;
  readonly eventId: string;
  readonly paymentId: string;
  /** Minor unit of `currency`, an integer > 0. The dong has none: its amounts are whole dong. */
  readonly amountMinor: number;
  /** ISO 4217, upper case. */
  readonly currency: string;
  /** The provider does the work of one key at most once. Must not be reused after 20 h (providers forget keys). */
  readonly idempotencyKey: string;
  /** When the payment was asked for: the same in every repetition. Epoch ms. */
  readonly requestedAtMs: number;
  /** When the hold ends; a provider that can, takes no money after it. Epoch ms. */
  readonly payBeforeMs: number;
  /** Where the provider takes notes with an order, its notices bring it back: the trace goes on with them. */
  readonly traceparent?: string;
}

/** How the buyer pays: with the secret, on a page of ours, or at the provider's own page. Exactly one of the two. */
export interface Intent {
  readonly intentId: string;
  readonly clientSecret?: string;
  readonly redirectUrl?: string;
}

/**
 * `processing` covers everything that may still succeed: requires_payment_method, requires_action, processing.
 * `cancelled`: nobody can pay it any more; where a refused attempt ends the order, there is a decline code.
 */
export type IntentStatus = 'processing' | 'succeeded' | 'cancelled';

export interface IntentState extends Intent {
  readonly status: IntentStatus;
  /** What was collected when it succeeded, else what is asked for; 0 where the provider does not say. */
  readonly amountMinor: number;
  readonly currency: string;
  /** As the intent itself says; null when it does not, or is not one of ours. */
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
  /** What earlier refunds of the intent have given back, as far as we know. @default 0 */
  readonly refundedBeforeMinor?: number;
}

/** What a verified webhook means to us. `ignored`: really from the provider, of a type we do not act on. */
export type PaymentNotice =
  | {
      readonly kind: 'succeeded' | 'failed' | 'cancelled';
      readonly providerEventId: string;
      readonly intentId: string;
      readonly bookingId: string | null;
      /** The sale that the booking is of. Absent where neither the provider says it nor our books. */
      readonly eventId?: string;
      readonly amountMinor: number;
      readonly currency: string;
      readonly declineCode: string | null;
      /** As the order was opened with. */
      readonly traceparent?: string;
    }
  | { readonly kind: 'ignored'; readonly providerEventId: string; readonly type: string };

/**
 * What became of a delivery. `unknown-order`: signed, but of an order that we have not heard of (yet);
 * `wrong-amount`: kept, and not believed until the provider was asked.
 */
export type NoticeTaken = 'stored' | 'repeated' | 'unknown-order' | 'wrong-amount' | 'unsigned' | 'unreadable';

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
  /**
   * Checks the signature over the raw body, or over the query where notices are GETs, and translates. `signature` is
   * the header of those that send one. Rejects with UNAUTHORIZED or VALIDATION_ERROR.
   */
  readNotice(rawBody: Uint8Array, signature: string, nowMs: number): Outcome<PaymentNotice>;
  /** The JSON that the provider wants to hear, with status 200. Absent: our own answers and refusals do. */
  readonly acknowledge?: (taken: NoticeTaken) => object;
  /**
   * Which order a browser comes back from. A return moves no money: whoever reads it asks the provider. Rejects with
   * UNAUTHORIZED where returns are signed, VALIDATION_ERROR otherwise.
   */
  readReturn(query: Readonly<Record<string, string>>): Outcome<{ readonly intentId: string }>;
}

/**
 * When a payment was asked for: its id is a UUID v7, which begins with the time it was minted at. Epoch ms, in whole
 * seconds, since no provider counts finer.
 */
export function requestedAtMs(paymentId: string): number {
  return Math.floor(Number.parseInt(paymentId.replaceAll('-', '').slice(0, 12), 16) / 1000) * 1000;
}

/** Those that this node has an account with. */
export type Providers = Readonly<Partial<Record<ProviderName, PaymentProvider>>>;

/** @throws ProviderUnavailable without an account: a saga that began with one waits until there is one again */
export function providerOf(providers: Providers, name: ProviderName): PaymentProvider {
  const provider = providers[name];
  if (!provider) throw new ProviderUnavailable(`no account with ${name} is configured`);
  return provider;
}

/** The provider gave no answer we can rely on (timeout, closed connection, 5xx, 429, 409 in flight). */
export class ProviderUnavailable extends Error {
  override readonly name = 'ProviderUnavailable';
}

/** The provider answered that it will never do this (bad parameters, unknown object). Not worth a retry. */
export class ProviderRefused extends Error {
  override readonly name: string = 'ProviderRefused';
}

/** The provider has no call that gives money back: a person must send it, and then declare it. */
export class RefundByHand extends ProviderRefused {
  override readonly name = 'RefundByHand';
}
