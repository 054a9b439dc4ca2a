/**
 * What is ours and not Stripe's: the front page, the 3-D Secure page, the fault controls for drills, and the list of
 * captured charges that an auditor compares with our own books.
 */
import type { Api } from './api.ts';
import type { Faults } from './faults.ts';
import { capturedCharge, type PaymentIntent, refundedAmount } from './intents.ts';
import type { Ledger } from './ledger.ts';
import { errorObject } from './objects.ts';
import { challengePage, frontPage, outcomePage } from './pages.ts';

export interface ControlCall {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

export interface ControlReply {
  readonly status: number;
  /** Text is a page, anything else becomes JSON. */
  readonly body: string | object;
  /** Where a browser is to go instead. */
  readonly location?: string;
}

export interface ControlOptions {
  readonly ledger: Ledger;
  readonly faults: Faults;
  readonly settleChallenge: Api['settleChallenge'];
  /** Told after the faults have changed. */
  readonly faultsChanged: () => void;
  readonly baseUrl: () => string;
  /** Money that was taken beside Stripe. */
  readonly otherCharges: () => readonly object[];
}

/** How many payments the front page shows. */
const recentCount = 20;

/** The reply to a call of a page or control, or null when there is none at that address. */
export function answerControl(call: ControlCall, options: ControlOptions): ControlReply | null {
  const { ledger, faults, otherCharges } = options;
  const [, intentId, token] = /^\/_sandbox\/3ds\/([^/]+)\/([^/]+)$/.exec(call.path) ?? [];
  if (intentId !== undefined && token !== undefined) return answerChallengePage(call, { intentId, token }, options);
  switch (`${call.method} ${call.path}`) {
    case 'GET /': {
      const recent = [...ledger.intents()].slice(-recentCount).reverse();
      return { status: 200, body: frontPage(recent, faults.current(), options.baseUrl()) };
    }
    case 'GET /_sandbox/charges':
      return { status: 200, body: [...capturedCharges(ledger.intents()), ...otherCharges()] };
    case 'GET /_sandbox/faults':
      return { status: 200, body: faults.current() };
    case 'POST /_sandbox/faults': {
      const set = faults.set(parseJson(call.body));
      if (!set.ok) return { status: set.error.status, body: errorObject(set.error, null) };
      options.faultsChanged();
      return { status: 200, body: set.value };
    }
    default:
      return null;
  }
}

function answerChallengePage(
  call: ControlCall,
  at: { readonly intentId: string; readonly token: string },
  { ledger, settleChallenge }: ControlOptions,
): ControlReply | null {
  const intent = ledger.intent(at.intentId);
  const challenge = intent?.challenge?.token === at.token ? intent.challenge : null;
  if (intent === undefined || challenge === null) return { status: 410, body: outcomePage(null) };
  if (call.method === 'GET') return { status: 200, body: challengePage(intent, challenge) };
  if (call.method !== 'POST') return null;
  const decision = new URLSearchParams(call.body).get('decision');
  if (decision !== 'approve' && decision !== 'refuse') return { status: 400, body: challengePage(intent, challenge) };
  const settled = settleChallenge(intent, decision === 'approve');
  if (challenge.returnUrl === null) return { status: 200, body: outcomePage(settled) };
  return { status: 303, body: outcomePage(settled), location: returnAddress(challenge.returnUrl, settled) };
}

/** What Stripe appends for the page that the buyer comes back to. */
function returnAddress(returnUrl: string, intent: PaymentIntent): string {
  const url = new URL(returnUrl);
  url.searchParams.set('payment_intent', intent.id);
  url.searchParams.set('payment_intent_client_secret', intent.clientSecret);
  url.searchParams.set('redirect_status', intent.status === 'succeeded' ? 'succeeded' : 'failed');
  return url.href;
}

/** Money that really moved, oldest intent first. Amounts in minor units, times RFC 3339. */
function* capturedCharges(intents: Iterable<PaymentIntent>): Generator<object> {
  for (const intent of intents) {
    const charge = capturedCharge(intent);
    if (charge === null) continue;
    yield {
      charge_id: charge.id,
      payment_intent: intent.id,
      booking_id: intent.metadata.booking_id ?? null,
      event_id: intent.metadata.event_id ?? null,
      amount: intent.amount,
      currency: intent.currency.toUpperCase(),
      captured_at: new Date(charge.createdMs).toISOString(),
      refunded: refundedAmount(charge),
      refunds: charge.refunds.map(({ id, amount, createdMs }) => ({
        refund_id: id,
        amount,
        created_at: new Date(createdMs).toISOString(),
      })),
    };
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
