/**
 * The part of Stripe's API that we use, one entry an endpoint. A command (POST) says what a request would change; a
 * query (GET) what it shows. Neither writes: api.ts authorizes, commits and answers.
 */
import { type Checked, checked, missing } from './api-error.ts';
import { readCancel, readConfirm, readCreate, readRefund } from './form.ts';
import {
  cancelIntent,
  confirmIntent,
  type Mint,
  openIntent,
  type PaymentIntent,
  refundIntent,
  type Transition,
} from './intents.ts';
import type { Ledger } from './ledger.ts';
import { chargeObject, intentObject, refundObject, type View } from './objects.ts';

type Lookup = Pick<Ledger, 'intent' | 'intentOfRefund'>;

/** What a request asks for: the id in its path ('' without one) and its form or query. */
export interface Asked {
  readonly id: string;
  readonly form: URLSearchParams;
}

/** What a command would do, and the refund that its answer shows instead of the intent, if any. */
export type Step = Transition & { readonly refundId: string | null };

type Command = (asked: Asked, lookup: Lookup, mint: Mint) => Checked<Step>;
type Query = (asked: Asked, lookup: Lookup, view: View) => Checked<object>;

export type Endpoint = {
  /** Its first group, if it has one, is the id. */
  readonly path: RegExp;
  /** Whether a browser may call it with the client secret of that intent. */
  readonly fromBrowser: boolean;
} & ({ readonly method: 'POST'; readonly command: Command } | { readonly method: 'GET'; readonly query: Query });

const create: Command = ({ form }, _lookup, mint) => {
  const order = readCreate(form);
  if (!order.ok) return order;
  return checked({ intent: openIntent(order.value, mint), announces: null, refusal: null, refundId: null });
};

const confirm: Command = ({ id, form }, lookup, mint) =>
  withIntent(lookup, id, (intent) => {
    const attempt = readConfirm(form);
    return attempt.ok ? checked({ ...confirmIntent(intent, attempt.value, mint), refundId: null }) : attempt;
  });

const cancel: Command = ({ id, form }, lookup, mint) =>
  withIntent(lookup, id, (intent) => {
    const reason = readCancel(form);
    return reason.ok ? checked({ ...cancelIntent(intent, reason.value, mint), refundId: null }) : reason;
  });

const refund: Command = ({ form }, lookup, mint) => {
  const wanted = readRefund(form);
  if (!wanted.ok) return wanted;
  return withIntent(lookup, wanted.value.intentId, (intent) => {
    const step = refundIntent(intent, wanted.value.amount, mint);
    const made = step.refusal === null ? step.intent.charges.at(-1)?.refunds.at(-1) : undefined;
    return checked({ ...step, refundId: made?.id ?? null });
  });
};

const readIntent: Query = ({ id }, lookup, view) =>
  withIntent(lookup, id, (intent) => checked(intentObject(intent, view)));

const readOneRefund: Query = ({ id }, lookup) => {
  const intent = lookup.intentOfRefund(id);
  if (intent === undefined) return { ok: false, error: missing('refund', id) };
  return checked(refundObject(id, intent));
};

const listCharges: Query = ({ form }, lookup) =>
  withIntent(lookup, form.get('payment_intent') ?? '', (intent) => {
    const data = intent.charges.map((charge) => chargeObject(charge, intent)).reverse();
    return checked({ object: 'list', data, has_more: false, url: '/v1/charges' });
  });

function withIntent<T>(lookup: Lookup, id: string, then: (intent: PaymentIntent) => Checked<T>): Checked<T> {
  const intent = lookup.intent(id);
  return intent === undefined ? { ok: false, error: missing('payment_intent', id) } : then(intent);
}

const intents = '/v1/payment_intents';

export const endpoints: readonly Endpoint[] = [
  { method: 'POST', path: exactly(intents), fromBrowser: false, command: create },
  { method: 'GET', path: exactly(`${intents}/:id`), fromBrowser: true, query: readIntent },
  { method: 'POST', path: exactly(`${intents}/:id/confirm`), fromBrowser: true, command: confirm },
  { method: 'POST', path: exactly(`${intents}/:id/cancel`), fromBrowser: false, command: cancel },
  { method: 'POST', path: exactly('/v1/refunds'), fromBrowser: false, command: refund },
  { method: 'GET', path: exactly('/v1/refunds/:id'), fromBrowser: false, query: readOneRefund },
  { method: 'GET', path: exactly('/v1/charges'), fromBrowser: false, query: listCharges },
];

function exactly(pattern: string): RegExp {
  return new RegExp(`^${pattern.replace(':id', '([^/]+)')}$`);
}
