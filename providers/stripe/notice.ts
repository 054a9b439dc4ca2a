/**
 * Stripe's webhooks: proves who sent the bytes and when, then translates them. Owns no state: that an event is acted
 * on once is the business of whoever stores it.
 * Protocol: https://docs.stripe.com/webhooks/signature
 */
import Stripe from 'stripe';
import { accept, type Outcome, reject } from '../../engine/outcome.ts';
import type { PaymentNotice } from '../../engine/payment.ts';
import { ofTrace, readTraceparent } from '../../engine/trace-context.ts';

/** A recorded webhook is worthless to a thief after this age. */
const maxAgeSeconds = 300;
/** Clocks differ by seconds, not minutes. Stripe's own library checks the age only, so this end is ours. */
const maxAheadMs = 60_000;

export interface NoticeTrust {
  /** Endpoint secrets that sign at this moment; two while one replaces the other. */
  readonly webhookSecrets: readonly string[];
  /** Whether our key moves real money: test events must never confirm a booking of a live system, nor the reverse. */
  readonly livemode: boolean;
}

/** One delivery as it came: the bytes, the `Stripe-Signature` header, and our clock when it arrived. */
export interface Delivery {
  readonly rawBody: Uint8Array;
  readonly signature: string;
  readonly nowMs: number;
}

/**
 * Reads one webhook.
 *
 * Rejections: UNAUTHORIZED (no secret of ours signed these bytes, older than 300 s, more than 60 s in the future),
 * VALIDATION_ERROR (signed, but not an event we can read, or of the other mode).
 */
export function readStripeNotice(delivery: Delivery, trust: NoticeTrust): Outcome<PaymentNotice> {
  if (!isTimely(delivery) || !trust.webhookSecrets.some((secret) => isSignedWith(secret, delivery))) {
    return reject('UNAUTHORIZED', undefined, 'the webhook signature does not verify');
  }
  const event = parseEvent(delivery.rawBody);
  if (event === null) return reject('VALIDATION_ERROR', { body: 'not a Stripe event' });
  if (event.livemode !== trust.livemode) return reject('VALIDATION_ERROR', { livemode: 'of the other mode' });
  return accept(translate(event));
}

function isTimely({ signature, nowMs }: Delivery): boolean {
  const times = signature.split(',').filter((part) => part.startsWith('t='));
  const [time] = times;
  // Of two times the library would take one and we the other; an honest header has one.
  if (time === undefined || times.length > 1) return false;
  return Number(time.slice(2)) * 1000 - nowMs <= maxAheadMs;
}

function isSignedWith(secret: string, { rawBody, signature, nowMs }: Delivery): boolean {
  try {
    Stripe.webhooks.signature?.verifyHeader(rawBody, signature, secret, maxAgeSeconds, undefined, nowMs);
    return Stripe.webhooks.signature !== null;
  } catch {
    // Not only its own signature error: a header that ends in `v1=` makes the library throw a plain one.
    return false;
  }
}

function parseEvent(rawBody: Uint8Array): Stripe.Event | null {
  try {
    const body: unknown = JSON.parse(new TextDecoder().decode(rawBody));
    return isEvent(body) ? body : null;
  } catch {
    return null;
  }
}

/** Stripe signed it, so the envelope is enough: the objects inside are theirs to keep in shape. */
function isEvent(body: unknown): body is Stripe.Event {
  if (typeof body !== 'object' || body === null) return false;
  const { object, id, type, livemode, data } = body as Partial<Stripe.Event>;
  return (
    object === 'event' &&
    typeof id === 'string' &&
    typeof type === 'string' &&
    typeof livemode === 'boolean' &&
    typeof data?.object === 'object'
  );
}

function translate(event: Stripe.Event): PaymentNotice {
  switch (event.type) {
    case 'payment_intent.succeeded':
      return aboutIntent('succeeded', event.id, event.data.object);
    case 'payment_intent.payment_failed':
      return aboutIntent('failed', event.id, event.data.object);
    case 'payment_intent.canceled':
      return aboutIntent('cancelled', event.id, event.data.object);
    default:
      return { kind: 'ignored', providerEventId: event.id, type: event.type };
  }
}

function aboutIntent(
  kind: 'succeeded' | 'failed' | 'cancelled',
  providerEventId: string,
  intent: Stripe.PaymentIntent,
): PaymentNotice {
  const { booking_id: bookingId = null, event_id: eventId, traceparent } = intent.metadata;
  return {
    kind,
    providerEventId,
    intentId: intent.id,
    bookingId,
    ...(eventId === undefined ? {} : { eventId }),
    amountMinor: kind === 'succeeded' ? intent.amount_received : intent.amount,
    currency: intent.currency.toUpperCase(),
    declineCode: declineCodeOf(intent),
    ...ofTrace(readTraceparent(traceparent)),
  };
}

/** The issuer's reason when it gave one, else Stripe's own code, e.g. for a failed 3-D Secure challenge. */
export function declineCodeOf(intent: Stripe.PaymentIntent): string | null {
  const error = intent.last_payment_error;
  return error?.decline_code ?? error?.code ?? null;
}
