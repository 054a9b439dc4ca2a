/**
 * What a failed Stripe call means to the saga: may it have happened (`ProviderUnavailable`), or will it never
 * (`ProviderRefused`)? Anything that is not Stripe's own error is a bug of ours and passes through unchanged.
 */
import Stripe from 'stripe';
import { ProviderRefused, ProviderUnavailable } from '../../engine/payment.ts';

/**
 * Answers that say nothing about the effect, or that ask to come back: 408 and 424 are a proxy's or a bank's
 * time-out, 409 is the same key still being worked on, 429 a limit.
 */
const inconclusiveStatuses = new Set([408, 409, 424, 429]);

/**
 * Runs one SDK call and translates its failure.
 *
 * The SDK takes any JSON without an `error` for the object that was asked for, whatever the status: a proxy's `500 {}`
 * would be an intent without an id. What has no id, or another status than 2xx, is no answer of Stripe's.
 *
 * The Stripe error is not kept as `cause`: it carries the intent with its client secret, and causes end in logs.
 * @throws ProviderUnavailable, ProviderRefused
 */
export async function translateFailures<T extends { readonly id: string }>(
  call: () => Promise<Stripe.Response<T>>,
): Promise<T> {
  try {
    const answer = await call();
    const { statusCode } = answer.lastResponse;
    if (statusCode < 300 && typeof answer.id === 'string') return answer;
    throw new ProviderUnavailable(`stripe: answered ${statusCode}, and not with what was asked for`);
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    const told = [error.code ?? error.type, error.statusCode, error.requestId].filter(Boolean).join(' ');
    const message = `stripe: ${error.message} (${told})`;
    throw isInconclusive(error) ? new ProviderUnavailable(message) : new ProviderRefused(message);
  }
}

function isInconclusive(error: Stripe.errors.StripeError): boolean {
  if (error instanceof Stripe.errors.StripeRateLimitError) return true;
  return error.statusCode === undefined || error.statusCode >= 500 || inconclusiveStatuses.has(error.statusCode);
}
