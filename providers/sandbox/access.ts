/** Who calls: the merchant's server with the secret key, or a browser with the client secret of one intent. */
import { timingSafeEqual } from 'node:crypto';
import { type ApiError, type Checked, checked, missing } from './api-error.ts';
import type { PaymentIntent } from './intents.ts';

export type Caller = 'merchant' | 'client';

/**
 * The merchant may call everything.
 *
 * @param authorization `Bearer KEY` as the SDK sends it, or Basic with the key as user as `curl -u KEY:` does
 */
export function isMerchant(authorization: string | undefined, secretKey: string): boolean {
  const [scheme, credentials] = authorization?.split(' ') ?? [];
  if (credentials === undefined) return false;
  if (scheme === 'Basic') return isSame(Buffer.from(credentials, 'base64').toString(), `${secretKey}:`);
  return scheme === 'Bearer' && isSame(credentials, secretKey);
}

/** A browser may call what concerns the one intent whose client secret it holds. */
export function admitClient(clientSecret: string | null, intentId: string, intent?: PaymentIntent): Checked<Caller> {
  if (clientSecret === null) return { ok: false, error: unauthorized };
  if (intent !== undefined && isSame(clientSecret, intent.clientSecret)) return checked('client');
  return { ok: false, error: missing('payment_intent', intentId) };
}

export const unauthorized: ApiError = {
  status: 401,
  type: 'invalid_request_error',
  message: 'Invalid API key. Send the secret key, or from a browser the client_secret of this PaymentIntent.',
};

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
