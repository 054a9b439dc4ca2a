/** A merchant in front of a fresh sandbox: our adapter, the bare SDK, and the orders they open. */
import { randomUUID } from 'node:crypto';
import Stripe from 'stripe';
import type { IntentRequest } from '../engine/payment.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../providers/sandbox/server.ts';
import { type CardIntent, createStripeProvider, type StripeProvider } from '../providers/stripe/stripe.ts';

export const secretKey = 'sk_test_sandbox';
export const webhookSecret = 'whsec_test';

/** What `GET /_sandbox/charges` lists. */
interface ListedCharge {
  readonly charge_id: string;
  readonly payment_intent: string;
  readonly booking_id: string | null;
  readonly amount: number;
  readonly refunded: number;
}

export interface Shop {
  readonly sandbox: Sandbox;
  readonly provider: StripeProvider;
  /** The same adapter with less patience: for answers that get lost. */
  readonly hurriedProvider: StripeProvider;
  /** The SDK without our adapter, for calls that it does not make. */
  readonly stripe: Stripe;
  open(order?: Partial<IntentRequest>): Promise<CardIntent>;
  charges(): Promise<ListedCharge[]>;
  chargesOf(intentId: string): Promise<ListedCharge[]>;
  setFaults(faults: object): Promise<void>;
}

export async function openShop(options: Partial<SandboxOptions> = {}): Promise<Shop> {
  const sandbox = await startSandbox({
    port: 0,
    journalFile: null,
    secretKey,
    webhookSecret,
    webhookUrl: () => null,
    ...options,
  });
  const account = { secretKey, webhookSecrets: [webhookSecret], apiBase: sandbox.url };
  const provider = createStripeProvider({ ...account, timeoutMs: 30_000 });
  const { hostname, port } = new URL(sandbox.url);
  const charges = async () => (await (await fetch(`${sandbox.url}/_sandbox/charges`)).json()) as ListedCharge[];
  return {
    sandbox,
    provider,
    hurriedProvider: createStripeProvider({ ...account, timeoutMs: 500 }),
    stripe: new Stripe(secretKey, { host: hostname, port, protocol: 'http', maxNetworkRetries: 0, telemetry: false }),
    open: (over) => provider.openIntent(order(over)),
    charges,
    chargesOf: async (intentId) => (await charges()).filter((charge) => charge.payment_intent === intentId),
    async setFaults(faults) {
      const response = await fetch(`${sandbox.url}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(faults) });
      if (!response.ok) throw new Error(await response.text());
    },
  };
}

/** 3 000 baht for a booking of its own, unless said otherwise. */
export function order(over: Partial<IntentRequest> = {}): IntentRequest {
  const bookingId = randomUUID();
  return {
    bookingId,
    eventId: 'e-1',
    paymentId: randomUUID(),
    amountMinor: 300_000,
    currency: 'THB',
    idempotencyKey: `booking:${bookingId}:pay:1`,
    requestedAtMs: Date.now(),
    payBeforeMs: Date.now() + 600_000,
    ...over,
  };
}
