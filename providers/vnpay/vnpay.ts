/**
 * VNPay as a `PaymentProvider`: the payment address is made here and signed, nothing is asked of VNPay until the buyer
 * opens it. Owns the requests and the reading of answers; notice.ts reads what comes by itself.
 *
 * VNPay has no call that voids an order: it ends by itself when the hold does, and money that was on its way at that
 * moment is late money like any other.
 * Protocol: https://sandbox.vnpayment.vn/apis/docs/truy-van-hoan-tien/querydr&refund.html
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  type IntentRequest,
  type IntentState,
  type PaymentProvider,
  ProviderRefused,
  ProviderUnavailable,
  RefundByHand,
  type RefundRequest,
} from '../../engine/payment.ts';
import { createJsonApi, type JsonApi } from '../json-api.ts';
import { vietnamTime } from '../vietnam-time.ts';
import { acknowledgeVnpay, readVnpayNotice, readVnpayReturn, type VnpayTrust } from './notice.ts';
import {
  bookingOf,
  orderDate,
  orderEndMs,
  orderInfo,
  orderReference,
  readVnpayAmount,
  statusOf,
  toVnpayAmount,
} from './order.ts';
import { isSignedMessage, signedQuery, signMessage, type VnpayFields } from './signing.ts';

export interface VnpayOptions extends VnpayTrust {
  /**
   * Where VNPay answers, with the paths of its sandbox: https://sandbox.vnpayment.vn or ours. Absent: the addresses
   * that move real money.
   */
  readonly apiBase?: string;
  /** Where a browser comes back to. Asked anew each time. */
  readonly returnUrl: () => string;
  readonly timeoutMs: number;
  readonly now: () => number;
}

const real = { page: 'https://pay.vnpay.vn/vpcpay.html', api: 'https://merchant.vnpay.vn' };
const transactionPath = '/merchant_webapi/api/transaction';
/** The fields want an address. The buyer's stays out of the saga's events, so it is ours that is told. */
const ownAddress = '127.0.0.1';
/** A payment that was begun in time may take a little longer; what takes longer still is heard of all the same. */
const settlingMs = 60_000;

interface Merchant extends VnpayOptions {
  readonly api: JsonApi;
}

/** @throws when the address is neither https nor of this machine */
export function createVnpayProvider(options: VnpayOptions): PaymentProvider {
  const { apiBase, timeoutMs } = options;
  const merchant = { ...options, api: createJsonApi({ name: 'vnpay', base: apiBase ?? real.api, timeoutMs }) };
  const readIntent = async (intentId: string) => toState(merchant, intentId, await query(merchant, intentId));
  return {
    name: 'vnpay',
    openIntent: async (request) => ({ intentId: orderReference(request), redirectUrl: paymentUrl(merchant, request) }),
    readIntent,
    cancelIntent: readIntent,
    refund: (request) => refund(merchant, request),
    readNotice: (rawQuery) => readVnpayNotice(readForm(rawQuery), options),
    acknowledge: acknowledgeVnpay,
    readReturn: (fields) => readVnpayReturn(fields, options),
  };
}

function readForm(bytes: Uint8Array): VnpayFields {
  return Object.fromEntries(new URLSearchParams(Buffer.from(bytes).toString()));
}

function paymentUrl({ tmnCode, hashSecret, returnUrl, apiBase }: Merchant, request: IntentRequest): string {
  if (request.currency !== 'VND') throw new ProviderRefused(`vnpay: takes VND, not ${request.currency}`);
  const fields = {
    vnp_Version: '2.1.0',
    vnp_Command: 'pay',
    vnp_TmnCode: tmnCode,
    vnp_Amount: toVnpayAmount(request.amountMinor),
    vnp_CurrCode: 'VND',
    vnp_TxnRef: orderReference(request),
    vnp_OrderInfo: orderInfo(request.bookingId),
    vnp_OrderType: 'other',
    vnp_Locale: 'vn',
    vnp_IpAddr: ownAddress,
    vnp_ReturnUrl: returnUrl(),
    vnp_CreateDate: vietnamTime(request.requestedAtMs),
    vnp_ExpireDate: vietnamTime(request.payBeforeMs),
  };
  const page = apiBase ? `${apiBase}/paymentv2/vpcpay.html` : real.page;
  return `${page}?${signedQuery(fields, hashSecret)}`;
}

/** Codes by which VNPay says that it cannot say: a repetition too soon, a time-out, a fault of its own. */
const inconclusiveCodes = new Set(['94', '98', '99']);
const unknownOrder = '91';

/** VNPay's word on an order; null when nobody has opened its page yet. */
async function query(merchant: Merchant, reference: string): Promise<VnpayFields | null> {
  const answer = await ask(merchant, 'querydr', {
    vnp_RequestId: randomBytes(16).toString('hex'),
    vnp_TxnRef: reference,
    vnp_TransactionDate: orderDate(reference),
    vnp_OrderInfo: `Query of ${reference}`,
  });
  return answer.vnp_ResponseCode === unknownOrder ? null : answer;
}

/**
 * Whoever asks twice must not pay twice, and VNPay keeps no answers by key: so it is asked first whether there is a
 * refund already, which is then the one that was asked for. What it says of an order with several refunds is not plain
 * enough to count money by, so the second is a person's work, at VNPay's own portal.
 */
async function refund(merchant: Merchant, request: RefundRequest) {
  const { intentId, amountMinor, idempotencyKey, refundedBeforeMinor = 0 } = request;
  if (refundedBeforeMinor > 0)
    throw new RefundByHand(`vnpay: give back ${amountMinor} VND more of order ${intentId} at VNPay's portal`);
  const paid = await query(merchant, intentId);
  if (!paid || statusOf(paid.vnp_TransactionStatus) !== 'succeeded')
    throw new ProviderRefused(`vnpay: ${intentId} was not paid`);
  if (isRefund(paid)) return { refundId: refundIdOf(paid, intentId) };
  const paidMinor = readVnpayAmount(paid.vnp_Amount) ?? 0;
  if (amountMinor > paidMinor) throw new ProviderRefused(`vnpay: ${intentId} has ${paidMinor} VND, not ${amountMinor}`);
  const answer = await ask(merchant, 'refund', {
    // The same for each repetition on a day: VNPay then refuses the second while the first is under way.
    vnp_RequestId: createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 32),
    vnp_TransactionType: amountMinor === paidMinor ? '02' : '03',
    vnp_TxnRef: intentId,
    vnp_Amount: toVnpayAmount(amountMinor),
    vnp_TransactionNo: paid.vnp_TransactionNo ?? '',
    vnp_TransactionDate: orderDate(intentId),
    vnp_CreateBy: 'onsale',
    vnp_OrderInfo: `Refund of ${intentId}`,
  });
  if (answer.vnp_ResponseCode === unknownOrder) throw new ProviderRefused(`vnpay: ${intentId} is unknown`);
  return { refundId: refundIdOf(answer, intentId) };
}

function isRefund({ vnp_TransactionType: type, vnp_TransactionStatus: status }: VnpayFields): boolean {
  // 09: the bank refused the refund, so it may be asked for again.
  return (type === '02' || type === '03') && status !== '09';
}

function refundIdOf({ vnp_TransactionNo: number }: VnpayFields, intentId: string): string {
  return number || `the refund of ${intentId}`;
}

/** One signed call whose signed answer is about what was asked. */
async function ask(
  { api, tmnCode, hashSecret, now }: Merchant,
  command: 'querydr' | 'refund',
  fields: VnpayFields,
): Promise<VnpayFields> {
  const common = {
    vnp_Version: '2.1.0',
    vnp_Command: command,
    vnp_TmnCode: tmnCode,
    vnp_CreateDate: vietnamTime(now()),
    vnp_IpAddr: ownAddress,
  };
  const answered = await api.call(
    transactionPath,
    signMessage(`${command} request`, { ...common, ...fields }, hashSecret),
  );
  const answer = Object.fromEntries(Object.entries(answered).map(([name, value]) => [name, String(value ?? '')]));
  const { vnp_ResponseCode: code = '', vnp_Message: message = '' } = answer;
  // Without a code it is nobody's answer: a proxy's, perhaps.
  if (code === '' || inconclusiveCodes.has(code))
    throw new ProviderUnavailable(`vnpay: ${command}: ${code} ${message}`);
  if (code === unknownOrder) return answer;
  if (code !== '00') throw new ProviderRefused(`vnpay: ${command}: ${code} ${message}`);
  if (!isSignedMessage(`${command} answer`, answer, hashSecret) || answer.vnp_TxnRef !== fields.vnp_TxnRef)
    throw new ProviderUnavailable(`vnpay: the answer to ${command} is not VNPay's, or not about this order`);
  return answer;
}

function toState({ now }: Merchant, intentId: string, answer: VnpayFields | null): IntentState {
  const told = answer ? statusOf(answer.vnp_TransactionStatus) : 'processing';
  const isOver = now() > orderEndMs(intentId) + settlingMs;
  // Only what VNPay has not begun or not finished ends with the order.
  const unpaid = answer === null || answer.vnp_TransactionStatus === '01';
  const status = unpaid && isOver ? 'cancelled' : told;
  const amountMinor = readVnpayAmount(answer?.vnp_Amount) ?? 0;
  return {
    intentId,
    status,
    amountMinor,
    currency: 'VND',
    bookingId: bookingOf(answer?.vnp_OrderInfo),
    // A query says that an order failed, not why: only the notification does.
    declineCode: status === 'cancelled' ? (unpaid ? 'expired' : 'generic_decline') : null,
    // Of a partial refund it is not said whether the amount is what went back, or what was paid.
    refundedMinor: answer?.vnp_TransactionType === '02' && isRefund(answer) ? amountMinor : 0,
  };
}
