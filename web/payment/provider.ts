/**
 * The page's side of the payment provider: it hands over the card and hears what came of it. The card goes from the browser to
 * the provider and never through the shop (https://docs.stripe.com/api/payment_intents/confirm).
 */
import { patiently } from '../api/patience.ts';
import type { Reply } from '../api/wire.ts';

export type CardOutcome =
  | { readonly kind: 'paid' }
  | { readonly kind: 'declined'; readonly reason: string }
  /** The bank wants to ask the buyer at this address, which leads back afterwards. */
  | { readonly kind: 'challenge'; readonly url: string };

interface Intent {
  readonly status?: string;
  readonly next_action?: { readonly redirect_to_url?: { readonly url?: string } } | null;
}

interface ProviderBody extends Intent {
  readonly error?: { readonly code?: string; readonly decline_code?: string; readonly payment_intent?: Intent };
}

/** What a provider's answer means. */
export function outcomeOf(body: ProviderBody): CardOutcome {
  const intent = body.error?.payment_intent ?? body;
  // Also after an answer that was lost: the second try is refused, and tells of the first.
  if (intent.status === 'succeeded') return { kind: 'paid' };
  const url = intent.next_action?.redirect_to_url?.url;
  if (body.error === undefined && url !== undefined) return { kind: 'challenge', url };
  const { decline_code, code } = body.error ?? {};
  const refusedByBuyer = code === 'payment_intent_authentication_failure';
  return { kind: 'declined', reason: refusedByBuyer ? 'authentication_failure' : (decline_code ?? code ?? '') };
}

/** Pays; waits and tries again while the provider does not answer, which charges once. */
export async function payWithCard(
  { cardUrl, clientSecret }: { readonly cardUrl: string; readonly clientSecret: string },
  { number, returnUrl }: { readonly number: string; readonly returnUrl: string },
): Promise<CardOutcome> {
  const body = new URLSearchParams({
    'payment_method_data[type]': 'card',
    'payment_method_data[card][number]': number,
    client_secret: clientSecret,
    return_url: returnUrl,
  });
  const attempt = async (): Promise<Reply<CardOutcome>> => {
    try {
      const response = await fetch(cardUrl, { method: 'POST', body });
      if (response.status >= 500) return null;
      return { status: response.status, answer: { ok: true, value: outcomeOf(await response.json()), meta: {} } };
    } catch {
      return null;
    }
  };
  const { answer } = await patiently(attempt);
  return answer.ok ? answer.value : { kind: 'declined', reason: '' };
}

/** How the bank's page ended, by what the provider added to the address that it leads back to; null: one did not come from there. */
export function challengeOutcome(query: URLSearchParams): 'paid' | 'declined' | null {
  const status = query.get('redirect_status');
  if (status === null) return null;
  return status === 'succeeded' ? 'paid' : 'declined';
}
