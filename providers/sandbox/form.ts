/**
 * Reads the parameters of a request. They stay a flat list (`payment_method_data[card][number]` is one name), so no
 * nested object is ever built from what a stranger sent. A parameter that the sandbox does not know is refused, as
 * Stripe does: ignoring `confirm=true` in silence would be worse.
 */
import { type Checked, checked, invalid } from './api-error.ts';
import { findCard, type TestCard } from './cards.ts';

/** Stripe's own ceiling: eight digits. */
const maxAmount = 99_999_999;

export interface CreateParameters {
  readonly amount: number;
  readonly currency: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export function readCreate(form: URLSearchParams): Checked<CreateParameters> {
  const unknown = unknownParameter(form, [
    'amount',
    'currency',
    'metadata',
    'allowed_payment_method_types',
    'automatic_payment_methods',
    'expand',
  ]);
  if (unknown) return unknown;
  const amount = readAmount(form);
  if (!amount.ok) return amount;
  if (amount.value === null) return invalid('amount', 'Missing required param: amount.', 'parameter_missing');
  const currency = form.get('currency') ?? '';
  if (!/^[a-z]{3}$/i.test(currency)) return invalid('currency', `Invalid currency: ${currency}.`);
  const metadata = readMetadata(form);
  if (!metadata.ok) return metadata;
  return checked({ amount: amount.value, currency: currency.toLowerCase(), metadata: metadata.value });
}

export interface ConfirmParameters {
  readonly card: TestCard;
  readonly returnUrl: string | null;
}

export function readConfirm(form: URLSearchParams): Checked<ConfirmParameters> {
  const unknown = unknownParameter(form, [
    'payment_method_data',
    'client_secret',
    'return_url',
    'use_stripe_sdk',
    'key',
    'expand',
  ]);
  if (unknown) return unknown;
  const returnUrl = form.get('return_url');
  if (returnUrl !== null && !isWebAddress(returnUrl)) {
    return invalid('return_url', 'Not a valid URL: return_url.', 'url_invalid');
  }
  if (form.get('payment_method_data[type]') !== 'card') {
    return invalid('payment_method_data[type]', 'The sandbox takes cards: payment_method_data[type]=card.');
  }
  const number = form.get('payment_method_data[card][number]');
  if (number === null) {
    return invalid('payment_method_data[card][number]', 'Missing required param: number.', 'parameter_missing');
  }
  const card = findCard(number);
  if (card === undefined) return { ok: false, error: { ...incorrectNumber } };
  return checked({ card, returnUrl });
}

const incorrectNumber = {
  status: 402,
  type: 'card_error',
  code: 'incorrect_number',
  param: 'number',
  message: 'Your card number is incorrect. The sandbox knows the test cards on its front page only.',
} as const;

const cancellationReasons = ['duplicate', 'fraudulent', 'requested_by_customer', 'abandoned'];

/** The reason of a cancellation, or null. */
export function readCancel(form: URLSearchParams): Checked<string | null> {
  const unknown = unknownParameter(form, ['cancellation_reason', 'expand']);
  if (unknown) return unknown;
  const reason = form.get('cancellation_reason');
  if (reason === null || cancellationReasons.includes(reason)) return checked(reason);
  return invalid(
    'cancellation_reason',
    `Invalid cancellation_reason: must be one of ${cancellationReasons.join(', ')}`,
  );
}

export interface RefundParameters {
  readonly intentId: string;
  /** Minor units; null means all that is left. */
  readonly amount: number | null;
}

export function readRefund(form: URLSearchParams): Checked<RefundParameters> {
  const unknown = unknownParameter(form, ['payment_intent', 'amount', 'expand']);
  if (unknown) return unknown;
  const amount = readAmount(form);
  if (!amount.ok) return amount;
  const intentId = form.get('payment_intent');
  if (intentId === null) {
    return invalid('payment_intent', 'Missing required param: payment_intent.', 'parameter_missing');
  }
  return checked({ intentId, amount: amount.value });
}

/** Whether the caller wants `latest_charge` as an object rather than an id. */
export function wantsCharge(form: URLSearchParams): boolean {
  for (const [name, value] of form) {
    if (name.startsWith('expand[') && value === 'latest_charge') return true;
  }
  return false;
}

function readAmount(form: URLSearchParams): Checked<number | null> {
  const text = form.get('amount');
  if (text === null) return checked(null);
  if (!/^\d{1,15}$/.test(text)) return invalid('amount', `Invalid integer: ${text}`, 'parameter_invalid_integer');
  const amount = Number(text);
  if (amount < 1) return invalid('amount', 'This value must be greater than or equal to 1.', 'amount_too_small');
  if (amount > maxAmount) return invalid('amount', `Amount must be no more than ${maxAmount}.`, 'amount_too_large');
  return checked(amount);
}

function readMetadata(form: URLSearchParams): Checked<Record<string, string>> {
  const entries: [string, string][] = [];
  for (const [name, value] of form) {
    const key = /^metadata\[([^[\]]{1,40})\]$/.exec(name)?.[1];
    if (key !== undefined) entries.push([key, value]);
    else if (name.startsWith('metadata')) return invalid(name, 'Metadata is a set of keys of up to 40 characters.');
    if (key !== undefined && value.length > 500) return invalid(name, 'Metadata values can have up to 500 characters.');
  }
  if (entries.length > 50) return invalid('metadata', 'You can specify up to 50 metadata keys.');
  return checked(Object.fromEntries(entries));
}

function unknownParameter(form: URLSearchParams, known: readonly string[]): ReturnType<typeof invalid> | null {
  for (const name of form.keys()) {
    const bracket = name.indexOf('[');
    if (known.includes(bracket === -1 ? name : name.slice(0, bracket))) continue;
    return invalid(name, `Received unknown parameter: ${name}`, 'parameter_unknown');
  }
  return null;
}

function isWebAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
