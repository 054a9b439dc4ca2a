/**
 * VNPay's instant payment notifications and returns: both are GETs with the same signed parameters. An order fails at
 * most once: a refused attempt ends it, and the next payment needs another order.
 *
 * VNPay signs no time, so an old notification can be sent again by whoever saw it; that it counts once is the business
 * of whoever stores it.
 * Protocol: https://sandbox.vnpayment.vn/apis/docs/thanh-toan-pay/pay.html
 */
import { accept, type Outcome, reject } from '../../engine/outcome.ts';
import type { NoticeTaken, PaymentNotice } from '../../engine/payment.ts';
import { bookingOf, declineCodeOf, readVnpayAmount, statusOf } from './order.ts';
import { isSignedQuery, type VnpayFields } from './signing.ts';

export interface VnpayTrust {
  readonly tmnCode: string;
  readonly hashSecret: string;
}

/**
 * Rejections: UNAUTHORIZED (not signed with our secret), VALIDATION_ERROR (signed, but of another merchant's terminal,
 * or without what every notification has).
 */
export function readVnpayNotice(query: VnpayFields, trust: VnpayTrust): Outcome<PaymentNotice> {
  const checked = readVnpayReturn(query, trust);
  if (!checked.ok) return checked;
  const { intentId } = checked.value;
  const { vnp_TransactionNo, vnp_TransactionStatus, vnp_ResponseCode } = query;
  const amountMinor = readVnpayAmount(query.vnp_Amount);
  if (amountMinor === null) return reject('VALIDATION_ERROR', { vnp_Amount: 'not an amount of whole dong' });
  const providerEventId = [intentId, vnp_TransactionNo, vnp_ResponseCode, vnp_TransactionStatus].join(':');
  const status = statusOf(vnp_TransactionStatus);
  const paid = status === 'succeeded' && vnp_ResponseCode === '00';
  if (!paid && status !== 'cancelled') {
    return accept({ kind: 'ignored', providerEventId, type: `status ${vnp_TransactionStatus}` });
  }
  return accept({
    kind: paid ? 'succeeded' : 'cancelled',
    providerEventId,
    intentId,
    bookingId: bookingOf(query.vnp_OrderInfo),
    amountMinor,
    currency: 'VND',
    declineCode: paid ? null : declineCodeOf(vnp_ResponseCode),
  });
}

/** The order that a browser comes back from. Rejections as for notifications. */
export function readVnpayReturn(
  query: VnpayFields,
  { tmnCode, hashSecret }: VnpayTrust,
): Outcome<{ readonly intentId: string }> {
  if (!isSignedQuery(query, hashSecret)) return reject('UNAUTHORIZED', undefined, 'the signature does not verify');
  if (query.vnp_TmnCode !== tmnCode) return reject('VALIDATION_ERROR', { vnp_TmnCode: 'of another merchant' });
  const { vnp_TxnRef: intentId } = query;
  return intentId ? accept({ intentId }) : reject('VALIDATION_ERROR', { vnp_TxnRef: 'is missing' });
}

const acknowledgements: Readonly<Record<NoticeTaken, readonly [code: string, message: string]>> = {
  stored: ['00', 'Confirm Success'],
  repeated: ['02', 'Order already confirmed'],
  'unknown-order': ['01', 'Order not found'],
  'wrong-amount': ['04', 'Invalid amount'],
  unsigned: ['97', 'Invalid signature'],
  unreadable: ['99', 'Input data required'],
};

/** VNPay goes on telling until it hears 00 or 02. */
export function acknowledgeVnpay(taken: NoticeTaken): object {
  const [RspCode, Message] = acknowledgements[taken];
  return { RspCode, Message };
}
