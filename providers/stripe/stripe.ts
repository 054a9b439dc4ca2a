/**
 * Stripe as a `PaymentProvider`, through the official SDK. Owns the requests and the reading of intents;
 * failures.ts says what a failed call means, notice.ts reads webhooks. Card data never passes here: the buyer's
 * browser confirms at Stripe with the client secret.
 */
import Stripe from 'stripe';
import { accept, reject } from '../../engine/outcome.ts';
import {
  type Intent,
  type IntentRequest,
  type IntentState,
  type IntentStatus,
  type PaymentProvider,
  ProviderRefused,
} from '../../engine/payment.ts';
import { ofTrace } from '../../engine/trace-context.ts';
import { stripeApiVersion } from './api-version.ts';
import { translateFailures } from './failures.ts';
import { declineCodeOf, readStripeNotice } from './notice.ts';

/** Its intents are paid for on a page of ours, with their secret. */
export interface StripeProvider extends PaymentProvider {
  openIntent(request: IntentRequest): Promise<CardIntent>;
  readIntent(intentId: string): Promise<IntentState & CardIntent>;
}

export type CardIntent = Intent & { readonly clientSecret: string };

export interface StripeOptions {
  /** `sk_live_…` and `rk_live_…` move real money; everything else is test mode. */
  readonly secretKey: string;
  /** Secrets of the webhook endpoint; two while one replaces the other. */
  readonly webhookSecrets: readonly string[];
  /** Where the API answers instead of api.stripe.com, e.g. `http://127.0.0.1:12111` for the sandbox. */
  readonly apiBase?: string;
  /** Silence of the API after which a call counts as unanswered. */
  readonly timeoutMs: number;
}

/** What we read of a refund we also need of its charge; the same call brings it. */
const withCharge = { expand: ['latest_charge'] };

/** Currencies whose amounts Stripe wants in hundredths although ISO 4217 gives them no minor unit. */
const hundredfoldCurrencies = new Set(['ISK', 'UGX']);

/**
 * A provider that talks to one Stripe account.
 *
 * Calls reject with `ProviderUnavailable` or `ProviderRefused`. Stripe stores the answer of a key for at least 24 h,
 * a 500 included: a key that keeps failing needs a new attempt number, after `readIntent` said what did happen.
 * @throws when a live key would be sent in the clear
 */
export function createStripeProvider(options: StripeOptions): StripeProvider {
  const livemode = /^[sr]k_live_/.test(options.secretKey);
  const stripe = connect(options, livemode);
  const readIntent = async (intentId: string) =>
    toState(await translateFailures(() => stripe.paymentIntents.retrieve(intentId, withCharge)));

  return {
    name: 'stripe',
    openIntent: (request) => openIntent(stripe, request),
    readIntent,

    async cancelIntent(intentId) {
      try {
        // No key of our own: cancelling twice is harmless, but a stored "cannot cancel now" would be replayed.
        return toState(await translateFailures(() => stripe.paymentIntents.cancel(intentId, withCharge)));
      } catch (error) {
        if (!(error instanceof ProviderRefused)) throw error;
        // Paid or cancelled already. Reading says which, and refuses an intent that does not exist.
        return readIntent(intentId);
      }
    },

    async refund({ intentId, amountMinor, idempotencyKey }) {
      const refund = await translateFailures(() =>
        stripe.refunds.create({ payment_intent: intentId, amount: amountMinor }, { idempotencyKey }),
      );
      if (refund.status === 'failed' || refund.status === 'canceled') {
        throw new ProviderRefused(
          `stripe: refund ${refund.id} ${refund.status} (${refund.failure_reason ?? 'no reason'})`,
        );
      }
      return { refundId: refund.id };
    },

    readNotice: (rawBody, signature, nowMs) =>
      readStripeNotice({ rawBody, signature, nowMs }, { webhookSecrets: options.webhookSecrets, livemode }),

    // Stripe does not sign where a browser comes back to: a hint, like any return.
    readReturn: ({ payment_intent: intentId }) =>
      intentId ? accept({ intentId }) : reject('VALIDATION_ERROR', { payment_intent: 'is missing' }),
  };
}

function connect({ secretKey, apiBase, timeoutMs }: StripeOptions, livemode: boolean): Stripe {
  const base = new URL(apiBase ?? 'https://api.stripe.com');
  const protocol = base.protocol === 'http:' ? 'http' : 'https';
  if (livemode && protocol === 'http') throw new Error('a live Stripe key must not travel over plain http');
  return new Stripe(secretKey, {
    apiVersion: stripeApiVersion,
    host: base.hostname,
    port: base.port || (protocol === 'http' ? 80 : 443),
    protocol,
    timeout: timeoutMs,
    // The saga retries, with its own back-off and a key that survives a crash. (A closed connection the SDK repeats
    // once all the same, which the key makes harmless.)
    maxNetworkRetries: 0,
    telemetry: false,
  });
}

/** What its notices bring back. */
function metadataOf({ bookingId, eventId, paymentId, traceparent }: IntentRequest): Record<string, string> {
  return { booking_id: bookingId, event_id: eventId, payment_id: paymentId, ...ofTrace(traceparent) };
}

async function openIntent(stripe: Stripe, request: IntentRequest): Promise<CardIntent> {
  if (hundredfoldCurrencies.has(request.currency)) {
    throw new ProviderRefused(`stripe: amounts in ${request.currency} are not in its minor unit`);
  }
  const intent = await translateFailures(() =>
    stripe.paymentIntents.create(
      {
        amount: request.amountMinor,
        currency: request.currency.toLowerCase(),
        // Cards settle while the hold lives; methods that take days would outlive it.
        allowed_payment_method_types: ['card'],
        metadata: metadataOf(request),
      },
      { idempotencyKey: request.idempotencyKey },
    ),
  );
  return { intentId: intent.id, clientSecret: clientSecretOf(intent) };
}

function toState(intent: Stripe.PaymentIntent): IntentState & CardIntent {
  const status = statusOf(intent.status);
  return {
    intentId: intent.id,
    clientSecret: clientSecretOf(intent),
    status,
    amountMinor: status === 'succeeded' ? intent.amount_received : intent.amount,
    currency: intent.currency.toUpperCase(),
    bookingId: intent.metadata.booking_id ?? null,
    declineCode: declineCodeOf(intent),
    refundedMinor: refundedOf(intent),
  };
}

function statusOf(status: Stripe.PaymentIntent.Status): IntentStatus {
  if (status === 'succeeded') return 'succeeded';
  return status === 'canceled' ? 'cancelled' : 'processing';
}

function refundedOf({ id, latest_charge: charge }: Stripe.PaymentIntent): number {
  if (typeof charge === 'string') throw new Error(`stripe: ${id} came without its charge`);
  return charge?.amount_refunded ?? 0;
}

function clientSecretOf({ id, client_secret: clientSecret }: Stripe.PaymentIntent): string {
  if (typeof clientSecret !== 'string') throw new Error(`stripe: ${id} came without a client secret`);
  return clientSecret;
}
