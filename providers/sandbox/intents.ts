/**
 * One payment intent with its charges and refunds: a value, and the pure functions that make the next value of it.
 * Owns which transitions exist and what each announces. Knows no HTTP, no storage, no clock.
 * Life cycle: https://docs.stripe.com/payments/paymentintents/lifecycle (without the states a card never enters)
 */
import type { ApiError } from './api-error.ts';
import type { CardSummary, Decline, TestCard } from './cards.ts';

type IntentStatus = 'requires_payment_method' | 'requires_action' | 'succeeded' | 'canceled';

export interface Refund {
  readonly id: string;
  readonly amount: number;
  readonly createdMs: number;
}

/** One try to take the money. Without `decline` the money was taken. */
export interface Charge {
  readonly id: string;
  readonly card: CardSummary;
  readonly createdMs: number;
  readonly decline: Decline | null;
  readonly refunds: readonly Refund[];
}

/** A 3-D Secure page that waits for its answer. */
export interface Challenge {
  /** Makes the page's address unguessable and an older page of the same intent void. */
  readonly token: string;
  readonly card: CardSummary;
  /** What the issuer does after an approval. */
  readonly decline: Decline | null;
  /** Where the buyer goes afterwards, or null to stay on the page. */
  readonly returnUrl: string | null;
}

export interface PaymentIntent {
  readonly id: string;
  readonly clientSecret: string;
  /** Minor unit of `currency`. */
  readonly amount: number;
  /** ISO 4217, lower case, as Stripe writes it. */
  readonly currency: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly createdMs: number;
  readonly status: IntentStatus;
  /** Oldest first; only the last may have succeeded. */
  readonly charges: readonly Charge[];
  readonly challenge: Challenge | null;
  /** Why the last attempt failed. */
  readonly lastError: ApiError | null;
  readonly cancellation: { readonly atMs: number; readonly reason: string | null } | null;
}

export type EventType =
  | 'payment_intent.succeeded'
  | 'payment_intent.payment_failed'
  | 'payment_intent.canceled'
  | 'charge.refunded';

/** What became of a request: the intent after it, what the world is told, and the refusal the caller gets, if any. */
export interface Transition {
  readonly intent: PaymentIntent;
  readonly announces: EventType | null;
  readonly refusal: ApiError | null;
}

/** The present moment and new ids, given from outside. */
export interface Mint {
  readonly nowMs: number;
  id(prefix: string): string;
}

export function openIntent(order: Pick<PaymentIntent, 'amount' | 'currency' | 'metadata'>, mint: Mint): PaymentIntent {
  const id = mint.id('pi');
  return {
    id,
    clientSecret: mint.id(`${id}_secret`),
    amount: order.amount,
    currency: order.currency,
    metadata: order.metadata,
    createdMs: mint.nowMs,
    status: 'requires_payment_method',
    charges: [],
    challenge: null,
    lastError: null,
    cancellation: null,
  };
}

/** Pays with a card: captured, declined (the intent may be tried again) or challenged. */
export function confirmIntent(
  intent: PaymentIntent,
  attempt: { readonly card: TestCard; readonly returnUrl: string | null },
  mint: Mint,
): Transition {
  if (isFinal(intent)) return refuse(intent, unexpectedState(intent, 'confirm'));
  const { summary, decline, challenges } = attempt.card;
  if (!challenges) return charge(intent, { card: summary, decline }, mint);
  const challenge = { token: mint.id('3ds'), card: summary, decline, returnUrl: attempt.returnUrl };
  return {
    intent: { ...intent, status: 'requires_action', challenge, lastError: null },
    announces: null,
    refusal: null,
  };
}

/** The buyer's answer on the 3-D Secure page. The intent must be in `requires_action`. */
export function answerChallenge(intent: PaymentIntent, approved: boolean, mint: Mint): Transition {
  if (intent.challenge === null) throw new Error(`${intent.id} has no challenge to answer`);
  if (approved) return charge(intent, intent.challenge, mint);
  return fail(intent, {
    status: 402,
    type: 'card_error',
    code: 'payment_intent_authentication_failure',
    message: 'The provided PaymentMethod has failed authentication.',
  });
}

export function cancelIntent(intent: PaymentIntent, reason: string | null, mint: Mint): Transition {
  if (isFinal(intent)) return refuse(intent, unexpectedState(intent, 'cancel'));
  const cancellation = { atMs: mint.nowMs, reason };
  return {
    intent: { ...intent, status: 'canceled', challenge: null, cancellation },
    announces: 'payment_intent.canceled',
    refusal: null,
  };
}

/** @param amount minor units; null gives back all that is left */
export function refundIntent(intent: PaymentIntent, amount: number | null, mint: Mint): Transition {
  const captured = capturedCharge(intent);
  if (captured === null) return refuse(intent, noChargeToRefund(intent));
  const left = intent.amount - refundedAmount(captured);
  if (left === 0) return refuse(intent, alreadyRefunded(captured));
  if (amount !== null && amount > left) return refuse(intent, tooMuchRefunded(amount, left));
  const refund: Refund = { id: mint.id('re'), amount: amount ?? left, createdMs: mint.nowMs };
  const refunded = { ...captured, refunds: [...captured.refunds, refund] };
  return {
    intent: { ...intent, charges: [...intent.charges.slice(0, -1), refunded] },
    announces: 'charge.refunded',
    refusal: null,
  };
}

/** The charge that took the money, or null. */
export function capturedCharge(intent: PaymentIntent): Charge | null {
  const last = intent.charges.at(-1);
  return last?.decline === null ? last : null;
}

export function refundedAmount(charge: Charge): number {
  return charge.refunds.reduce((sum, refund) => sum + refund.amount, 0);
}

function isFinal(intent: PaymentIntent): boolean {
  return intent.status === 'succeeded' || intent.status === 'canceled';
}

function charge(intent: PaymentIntent, paying: Pick<Charge, 'card' | 'decline'>, mint: Mint): Transition {
  const { card, decline } = paying;
  const made: Charge = { id: mint.id('ch'), card, decline, createdMs: mint.nowMs, refunds: [] };
  const charged: PaymentIntent = { ...intent, charges: [...intent.charges, made] };
  if (decline !== null) {
    return fail(charged, { status: 402, type: 'card_error', ...decline, chargeId: made.id });
  }
  return {
    intent: { ...charged, status: 'succeeded', challenge: null, lastError: null },
    announces: 'payment_intent.succeeded',
    refusal: null,
  };
}

function fail(intent: PaymentIntent, error: ApiError): Transition {
  return {
    intent: { ...intent, status: 'requires_payment_method', challenge: null, lastError: error },
    announces: 'payment_intent.payment_failed',
    refusal: error,
  };
}

function refuse(intent: PaymentIntent, refusal: ApiError): Transition {
  return { intent, announces: null, refusal };
}

function unexpectedState({ status }: PaymentIntent, verb: 'confirm' | 'cancel'): ApiError {
  return {
    status: 400,
    type: 'invalid_request_error',
    code: 'payment_intent_unexpected_state',
    message: `You cannot ${verb} this PaymentIntent because it has a status of ${status}.`,
  };
}

function noChargeToRefund({ id }: PaymentIntent): ApiError {
  return {
    status: 400,
    type: 'invalid_request_error',
    param: 'payment_intent',
    message: `This PaymentIntent (${id}) does not have a successful charge to refund.`,
  };
}

function alreadyRefunded({ id }: Charge): ApiError {
  return {
    status: 400,
    type: 'invalid_request_error',
    code: 'charge_already_refunded',
    message: `Charge ${id} has already been refunded.`,
  };
}

function tooMuchRefunded(amount: number, left: number): ApiError {
  return {
    status: 400,
    type: 'invalid_request_error',
    param: 'amount',
    message: `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`,
  };
}
