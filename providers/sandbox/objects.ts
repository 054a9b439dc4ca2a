/**
 * The sandbox's state in Stripe's JSON. Owns field names and what a browser may see; each shape is checked against
 * the SDK's types, so that a field Stripe renames does not compile.
 */
import type Stripe from 'stripe';
import { stripeApiVersion } from '../stripe/api-version.ts';
import type { ApiError } from './api-error.ts';
import { type Charge, capturedCharge, type PaymentIntent, type Refund, refundedAmount } from './intents.ts';
import type { Announcement } from './ledger.ts';

/** How the caller wants to see an intent. */
export interface View {
  /** Called with the client secret from a browser: what is the merchant's own stays hidden. */
  readonly asClient: boolean;
  /** `expand[]=latest_charge`. */
  readonly expandCharge: boolean;
  /** Where this server answers, for the 3-D Secure page. */
  readonly baseUrl: string;
}

type IntentObject = Pick<
  Stripe.PaymentIntent,
  | 'id'
  | 'object'
  | 'amount'
  | 'amount_received'
  | 'canceled_at'
  | 'cancellation_reason'
  | 'capture_method'
  | 'client_secret'
  | 'confirmation_method'
  | 'created'
  | 'currency'
  | 'last_payment_error'
  | 'livemode'
  | 'next_action'
  | 'payment_method_types'
  | 'status'
>;

export function intentObject(intent: PaymentIntent, view: View): object {
  const seenByAll = {
    id: intent.id,
    object: 'payment_intent',
    amount: intent.amount,
    amount_received: intent.status === 'succeeded' ? intent.amount : 0,
    canceled_at: intent.cancellation === null ? null : seconds(intent.cancellation.atMs),
    cancellation_reason: intent.cancellation?.reason ?? null,
    capture_method: 'automatic_async',
    client_secret: intent.clientSecret,
    confirmation_method: 'automatic',
    created: seconds(intent.createdMs),
    currency: intent.currency,
    last_payment_error: intent.lastError === null ? null : errorFields(intent.lastError),
    livemode: false,
    next_action: nextAction(intent, view.baseUrl),
    payment_method_types: ['card'],
    status: intent.status,
  } satisfies IntentObject;
  if (view.asClient) return seenByAll;
  return { ...seenByAll, metadata: intent.metadata, latest_charge: latestCharge(intent, view.expandCharge) };
}

function latestCharge(intent: PaymentIntent, expand: boolean): string | object | null {
  const charge = intent.charges.at(-1);
  if (charge === undefined) return null;
  return expand ? chargeObject(charge, intent) : charge.id;
}

function nextAction(intent: PaymentIntent, baseUrl: string): Stripe.PaymentIntent.NextAction | null {
  if (intent.challenge === null) return null;
  const url = `${baseUrl}/_sandbox/3ds/${intent.id}/${intent.challenge.token}`;
  return { type: 'redirect_to_url', redirect_to_url: { url, return_url: intent.challenge.returnUrl } };
}

type ChargeObject = Pick<
  Stripe.Charge,
  | 'id'
  | 'object'
  | 'amount'
  | 'amount_captured'
  | 'amount_refunded'
  | 'captured'
  | 'created'
  | 'currency'
  | 'failure_code'
  | 'failure_message'
  | 'livemode'
  | 'metadata'
  | 'paid'
  | 'payment_intent'
  | 'refunded'
  | 'status'
>;

export function chargeObject(charge: Charge, intent: PaymentIntent): object {
  const paid = charge.decline === null;
  const amountRefunded = refundedAmount(charge);
  return {
    id: charge.id,
    object: 'charge',
    amount: intent.amount,
    amount_captured: paid ? intent.amount : 0,
    amount_refunded: amountRefunded,
    captured: paid,
    created: seconds(charge.createdMs),
    currency: intent.currency,
    failure_code: charge.decline?.code ?? null,
    failure_message: charge.decline?.message ?? null,
    livemode: false,
    metadata: intent.metadata,
    paid,
    payment_intent: intent.id,
    refunded: amountRefunded === intent.amount,
    status: paid ? 'succeeded' : 'failed',
    payment_method_details: { type: 'card', card: charge.card },
  } satisfies ChargeObject & { payment_method_details: object };
}

type RefundObject = Pick<
  Stripe.Refund,
  'id' | 'object' | 'amount' | 'charge' | 'created' | 'currency' | 'metadata' | 'payment_intent' | 'reason' | 'status'
>;

/** @throws when the intent has no such refund: the caller looked it up by that refund */
export function refundObject(refundId: string, intent: PaymentIntent): object {
  const charge = capturedCharge(intent);
  const refund: Refund | undefined = charge?.refunds.find(({ id }) => id === refundId);
  if (charge === null || refund === undefined) throw new Error(`${intent.id} has no refund ${refundId}`);
  return {
    id: refund.id,
    object: 'refund',
    amount: refund.amount,
    charge: charge.id,
    created: seconds(refund.createdMs),
    currency: intent.currency,
    metadata: {},
    payment_intent: intent.id,
    reason: null,
    status: 'succeeded',
  } satisfies RefundObject;
}

/** The webhook's body. Its object is the intent, or for `charge.refunded` the charge, as they were at that moment. */
export function eventObject({ id, type, createdMs, intent }: Announcement, baseUrl: string): object {
  const captured = capturedCharge(intent);
  const subject =
    type === 'charge.refunded' && captured !== null
      ? chargeObject(captured, intent)
      : intentObject(intent, { asClient: false, expandCharge: false, baseUrl });
  return {
    id,
    object: 'event',
    api_version: stripeApiVersion,
    created: seconds(createdMs),
    data: { object: subject },
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
  };
}

/** @param about the intent that the refusal is about, already in the caller's view */
export function errorObject(error: ApiError, about: object | null): object {
  return { error: about === null ? errorFields(error) : { ...errorFields(error), payment_intent: about } };
}

function errorFields(error: ApiError): Stripe.PaymentIntent.LastPaymentError {
  return {
    type: error.type,
    message: error.message,
    ...(error.code === undefined ? {} : { code: error.code }),
    ...(error.declineCode === undefined ? {} : { decline_code: error.declineCode }),
    ...(error.param === undefined ? {} : { param: error.param }),
    ...(error.chargeId === undefined ? {} : { charge: error.chargeId }),
  };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
