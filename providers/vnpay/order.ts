/**
 * VNPay's words for an order: its reference, its amounts, its codes. The reference carries when the order was made and
 * until when it can be paid, because a query must name the first and nobody at VNPay tells the second.
 */
import type { IntentRequest, IntentStatus } from '../../engine/payment.ts';
import { readVietnamTime, vietnamTime } from '../vietnam-time.ts';

/** `vnp_TxnRef`: letters and digits, at most 100. The same for every repetition of one request. */
export function orderReference({ paymentId, requestedAtMs, payBeforeMs }: IntentRequest): string {
  return `${vietnamTime(requestedAtMs)}${vietnamTime(payBeforeMs)}${paymentId.replaceAll('-', '')}`;
}

/** `yyyyMMddHHmmss` of the order's making, as it stands in its reference. */
export function orderDate(reference: string): string {
  return reference.slice(0, 14);
}

/** Epoch ms after which VNPay begins no payment of the order; NaN for a reference that is not ours. */
export function orderEndMs(reference: string): number {
  return readVietnamTime(reference.slice(14, 28));
}

/** `vnp_OrderInfo` takes no punctuation, so the booking's id loses its dashes. */
export function orderInfo(bookingId: string): string {
  return `Onsale booking ${bookingId.replaceAll('-', '')}`;
}

/** The booking that an order is for; null when the text is none of ours. */
export function bookingOf(info: string | undefined): string | null {
  const digits = /^Onsale booking ([0-9a-f]{32})$/.exec(info ?? '')?.[1];
  return digits ? digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') : null;
}

/** VNPay counts in hundredths of a dong, which do not exist. */
export function toVnpayAmount(amountMinor: number): string {
  return String(amountMinor * 100);
}

/** Whole dong; null when the text is no such amount. */
export function readVnpayAmount(text: string | undefined): number | null {
  const hundredths = /^\d{1,15}$/.test(text ?? '') ? Number(text) : Number.NaN;
  return hundredths % 100 === 0 ? hundredths / 100 : null;
}

/** `vnp_TransactionStatus`: 00 paid; 05, 06, 09 paid, and being or not being refunded; 02 failed for good. */
export function statusOf(transactionStatus: string | undefined): IntentStatus {
  switch (transactionStatus) {
    case '00':
    case '05':
    case '06':
    case '09':
      return 'succeeded';
    case '02':
      return 'cancelled';
    default:
      // 01 unfinished, 04 taken at the bank but not here, 07 suspected: each may still become either.
      return 'processing';
  }
}

const declineCodes: Readonly<Record<string, string>> = {
  '11': 'expired',
  '12': 'card_blocked',
  '13': 'authentication_failed',
  '24': 'refused_by_buyer',
  '51': 'insufficient_funds',
  '65': 'limit_exceeded',
};

/** `vnp_ResponseCode` in the words that sagas and buyers are told. */
export function declineCodeOf(responseCode: string | undefined): string {
  return declineCodes[responseCode ?? ''] ?? `vnpay_${responseCode ?? 'unknown'}`;
}
