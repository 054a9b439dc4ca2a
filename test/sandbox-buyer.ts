/** A buyer's browser at the payment provider: it holds a client secret and a card, and no key of the merchant. */

/** What the provider tells the browser; only what tests look at. */
export interface ConfirmAnswer {
  readonly status: number;
  readonly intentStatus: string | undefined;
  /** Of the refusal, if it was one. */
  readonly declineCode: string | undefined;
  readonly errorCode: string | undefined;
  /** The 3-D Secure page, when the card wants one. */
  readonly challengeUrl: string | undefined;
  readonly body: Record<string, unknown>;
}

interface IntentBody {
  status?: string;
  next_action?: { redirect_to_url: { url: string } } | null;
}

/** Confirms the intent of `clientSecret` with a card, as a page with Stripe.js does. */
export async function payWithCard(
  baseUrl: string,
  clientSecret: string,
  number: string,
  more: Record<string, string> = {},
): Promise<ConfirmAnswer> {
  const intentId = clientSecret.split('_secret_')[0];
  const response = await fetch(`${baseUrl}/v1/payment_intents/${intentId}/confirm`, {
    method: 'POST',
    body: new URLSearchParams({
      'payment_method_data[type]': 'card',
      'payment_method_data[card][number]': number,
      client_secret: clientSecret,
      ...more,
    }),
  });
  const body = (await response.json()) as Record<string, unknown>;
  const error = body.error as { code?: string; decline_code?: string; payment_intent?: IntentBody } | undefined;
  const intent = (error === undefined ? body : error.payment_intent) as IntentBody | undefined;
  return {
    status: response.status,
    intentStatus: intent?.status,
    declineCode: error?.decline_code,
    errorCode: error?.code,
    challengeUrl: intent?.next_action?.redirect_to_url.url,
    body,
  };
}

/** Presses a button on the 3-D Secure page. */
export function answerChallenge(challengeUrl: string, decision: 'approve' | 'refuse'): Promise<Response> {
  return fetch(challengeUrl, { method: 'POST', body: new URLSearchParams({ decision }), redirect: 'manual' });
}
