/**
 * ZaloPay's callbacks and returns. A callback comes only when money was received; that an order came to nothing is
 * learnt by asking.
 *
 * Callbacks carry no time that is worth checking, so an old one can be sent again by whoever saw it; that it counts
 * once is the business of whoever stores it.
 * Protocol: https://docs.zalopay.vn/docs/specs/callback-api
 */
import { accept, type Outcome, reject } from '../../engine/outcome.ts';
import type { NoticeTaken, PaymentNotice } from '../../engine/payment.ts';
import { readObject } from '../json-api.ts';
import { hmacHex, isSameHex } from '../signature.ts';
import { isSignedMessage } from './signing.ts';

export interface ZalopayTrust {
  readonly appId: number;
  readonly key2: string;
}

/** `type` of a callback about an order; others are about agreements, which we make none of. */
const aboutOrder = 1;

/**
 * Rejections: UNAUTHORIZED (not signed with key2), VALIDATION_ERROR (no callback, or signed, but of another app or
 * without what every callback has).
 */
export function readZalopayNotice(rawBody: Uint8Array, { appId, key2 }: ZalopayTrust): Outcome<PaymentNotice> {
  const { data: text, mac, type } = readObject(Buffer.from(rawBody).toString()) ?? {};
  if (typeof text !== 'string' || typeof mac !== 'string') return reject('UNAUTHORIZED', undefined, 'no callback');
  if (!isSameHex(mac, hmacHex('sha256', key2, text)))
    return reject('UNAUTHORIZED', undefined, 'the signature does not verify');
  const data = readObject(text) ?? {};
  if (type !== aboutOrder) return accept({ kind: 'ignored', providerEventId: mac, type: `callback ${String(type)}` });
  if (data.app_id !== appId) return reject('VALIDATION_ERROR', { app_id: 'of another merchant' });
  const { app_trans_id: intentId, zp_trans_id: payment, amount } = data;
  if (typeof intentId !== 'string' || typeof amount !== 'number' || !Number.isSafeInteger(amount) || amount < 0)
    return reject('VALIDATION_ERROR', { data: 'not of an order' });
  return accept({
    kind: 'succeeded',
    providerEventId: `${intentId}:${String(payment)}`,
    intentId,
    bookingId: bookingIn(data.embed_data),
    amountMinor: amount,
    currency: 'VND',
    declineCode: null,
  });
}

/** The order's `embed_data` comes back as it was given. Null when it is none of ours. */
function bookingIn(embedData: unknown): string | null {
  const { booking_id: bookingId } = readObject(String(embedData)) ?? {};
  return typeof bookingId === 'string' ? bookingId : null;
}

/** The order that a browser comes back from. Rejections as for callbacks. */
export function readZalopayReturn(
  query: Readonly<Record<string, string>>,
  { appId, key2 }: ZalopayTrust,
): Outcome<{ readonly intentId: string }> {
  if (!isSignedMessage('redirect', query, key2))
    return reject('UNAUTHORIZED', undefined, 'the signature does not verify');
  if (query.appid !== String(appId)) return reject('VALIDATION_ERROR', { appid: 'of another merchant' });
  const { apptransid: intentId } = query;
  return intentId ? accept({ intentId }) : reject('VALIDATION_ERROR', { apptransid: 'is missing' });
}

const acknowledgements: Readonly<Record<NoticeTaken, readonly [code: number, message: string]>> = {
  stored: [1, 'success'],
  repeated: [2, 'known already'],
  'unknown-order': [0, 'no such order yet'],
  'wrong-amount': [-1, 'not the amount of the order'],
  unsigned: [-1, 'mac not equal'],
  unreadable: [-1, 'not a callback of this app'],
};

/** ZaloPay calls again after a 0, a few times. */
export function acknowledgeZalopay(taken: NoticeTaken): object {
  const [return_code, return_message] = acknowledgements[taken];
  return { return_code, return_message };
}
