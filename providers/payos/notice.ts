/**
 * PayOS's webhooks and returns. A webhook tells of one bank transfer to an order; it names neither the merchant (the
 * checksum key does) nor our booking (our books do, by the order's code). Returns are not signed at all.
 *
 * Webhooks carry no time that is worth checking, so an old one can be sent again by whoever saw it; that it counts once
 * is the business of whoever stores it.
 * Protocol: https://payos.vn/docs/du-lieu-tra-ve/webhook/, https://payos.vn/docs/du-lieu-tra-ve/return-url/
 */
import { accept, type Outcome, reject } from '../../engine/outcome.ts';
import type { PaymentNotice } from '../../engine/payment.ts';
import { isObject, readObject } from '../json-api.ts';
import { isSignedData } from './signing.ts';

/**
 * Rejections: UNAUTHORIZED (not signed with the checksum key), VALIDATION_ERROR (signed, but not of an order).
 * PayOS tries an address out with the transfer of an order that nobody made: that is a notice like any other.
 */
export function readPayosNotice(rawBody: Uint8Array, checksumKey: string): Outcome<PaymentNotice> {
  const { data, signature } = readObject(Buffer.from(rawBody).toString()) ?? {};
  if (!isObject(data) || !isSignedData(data, signature, checksumKey))
    return reject('UNAUTHORIZED', undefined, 'the signature does not verify');
  const { orderCode, amount, currency = 'VND', reference, code } = data;
  if (!isCount(orderCode) || !isCount(amount)) return reject('VALIDATION_ERROR', { data: 'not of an order' });
  const intentId = String(orderCode);
  const providerEventId = `${intentId}:${String(reference)}`;
  if (code !== '00') return accept({ kind: 'ignored', providerEventId, type: `code ${String(code)}` });
  return accept({
    kind: 'succeeded',
    providerEventId,
    intentId,
    bookingId: null,
    amountMinor: amount,
    currency: String(currency),
    declineCode: null,
  });
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** The order that a browser says it comes back from: a hint, since anybody can write such an address. */
export function readPayosReturn(query: Readonly<Record<string, string>>): Outcome<{ readonly intentId: string }> {
  const { orderCode: intentId } = query;
  return intentId && /^\d{1,16}$/.test(intentId)
    ? accept({ intentId })
    : reject('VALIDATION_ERROR', { orderCode: 'is missing' });
}
