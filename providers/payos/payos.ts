/**
 * PayOS as a `PaymentProvider`: a page with a QR code for a bank transfer. Owns the requests and the reading of answers;
 * notice.ts reads what comes by itself.
 *
 * Two things are as they are: a transfer can be of another amount than the order's, and PayOS publishes no call that
 * gives money back, so a refund is a person's work (`RefundByHand`).
 * Protocol: https://payos.vn/docs/api/, and the types of the vendor's own SDK (payOSHQ/payos-lib-node)
 */
import { createHash } from 'node:crypto';
import {
  type Intent,
  type IntentRequest,
  type IntentState,
  type IntentStatus,
  type PaymentProvider,
  ProviderRefused,
  ProviderUnavailable,
  RefundByHand,
} from '../../engine/payment.ts';
import { createJsonApi, isObject, type JsonApi } from '../json-api.ts';
import { readPayosNotice, readPayosReturn } from './notice.ts';
import { isSignedData, signRequest } from './signing.ts';

export interface PayosOptions {
  readonly clientId: string;
  readonly apiKey: string;
  readonly checksumKey: string;
  /** @default https://api-merchant.payos.vn, which moves real money */
  readonly apiBase?: string;
  /** Where a browser comes back to. Asked anew each time. */
  readonly returnUrl: () => string;
  readonly timeoutMs: number;
}

interface Merchant extends PayosOptions {
  readonly api: JsonApi;
}

/** @throws when the address is neither https nor of this machine */
export function createPayosProvider(options: PayosOptions): PaymentProvider {
  const { clientId, apiKey, apiBase = 'https://api-merchant.payos.vn', timeoutMs } = options;
  const headers = { 'x-client-id': clientId, 'x-api-key': apiKey };
  const merchant = { ...options, api: createJsonApi({ name: 'payos', base: apiBase, headers, timeoutMs }) };
  const readIntent = async (intentId: string) => toState(intentId, await ask(merchant, `/${intentId}`));
  return {
    name: 'payos',
    openIntent: (request) => openIntent(merchant, request),
    readIntent,
    async cancelIntent(intentId) {
      try {
        return toState(intentId, await ask(merchant, `/${intentId}/cancel`, { cancellationReason: 'the hold ended' }));
      } catch (error) {
        if (!(error instanceof ProviderRefused)) throw error;
        // Paid or cancelled already. Reading says which, and refuses an order that does not exist.
        return readIntent(intentId);
      }
    },
    async refund({ intentId, amountMinor }) {
      throw new RefundByHand(
        `payos: send back ${amountMinor} VND of order ${intentId} by bank transfer, then declare it`,
      );
    },
    readNotice: (rawBody) => readPayosNotice(rawBody, options.checksumKey),
    readReturn: readPayosReturn,
  };
}

/**
 * An order's code must be a whole number that JavaScript can hold: 52 bits of the payment's id. Of ten million payments
 * two have the same with a chance of one in ninety, and then the second is refused and gets another code.
 */
function orderCodeOf(paymentId: string): number {
  return Number.parseInt(createHash('sha256').update(paymentId).digest('hex').slice(0, 13), 16);
}

/**
 * A repetition after a lost answer is refused, since the code is taken: then nobody has that order's address, nobody can
 * pay it, and the next attempt opens another.
 */
async function openIntent(merchant: Merchant, request: IntentRequest): Promise<Intent> {
  if (request.currency !== 'VND') throw new ProviderRefused(`payos: takes VND, not ${request.currency}`);
  const orderCode = orderCodeOf(request.paymentId);
  const order = {
    orderCode,
    amount: request.amountMinor,
    // Nine characters at most, for banks that pass no more.
    description: 'ONSALE',
    cancelUrl: merchant.returnUrl(),
    returnUrl: merchant.returnUrl(),
    expiredAt: Math.floor(request.payBeforeMs / 1000),
    items: [{ name: `Booking ${request.bookingId}`, quantity: 1, price: request.amountMinor }],
  };
  const made = await ask(merchant, '', { ...order, signature: signRequest(order, merchant.checksumKey) });
  if (made.orderCode !== orderCode || typeof made.checkoutUrl !== 'string')
    throw new ProviderUnavailable('payos: the answer is not about this order');
  return { intentId: String(orderCode), redirectUrl: made.checkoutUrl };
}

type Fields = Readonly<Record<string, unknown>>;

/** The signed `data` of an answer. */
async function ask({ api, checksumKey }: Merchant, path: string, body?: object): Promise<Fields> {
  const { code, desc, data, signature } = await api.call(`/v2/payment-requests${path}`, body);
  if (typeof code !== 'string') throw new ProviderUnavailable('payos: an answer without a code is none of PayOS');
  if (code !== '00') throw new ProviderRefused(`payos: ${String(code)} ${String(desc)}`);
  if (!isObject(data) || !isSignedData(data, signature, checksumKey))
    throw new ProviderUnavailable('payos: the answer is not signed by PayOS');
  return data;
}

const finalStatuses: Readonly<Record<string, IntentStatus>> = {
  PAID: 'succeeded',
  CANCELLED: 'cancelled',
  EXPIRED: 'cancelled',
  FAILED: 'cancelled',
};

function toState(intentId: string, { orderCode, status, amount, amountPaid }: Fields): IntentState {
  if (String(orderCode) !== intentId) throw new ProviderUnavailable('payos: the answer is about another order');
  const final = finalStatuses[String(status)] ?? 'processing';
  const paidMinor = Number(amountPaid ?? 0);
  // An order that ended with part of its money has money all the same: a payment of the wrong amount, to be returned.
  const state = final === 'cancelled' && paidMinor > 0 ? 'succeeded' : final;
  return {
    intentId,
    status: state,
    amountMinor: state === 'succeeded' ? paidMinor : Number(amount),
    currency: 'VND',
    bookingId: null,
    declineCode: state === 'cancelled' ? `payos_${String(status).toLowerCase()}` : null,
    refundedMinor: 0,
  };
}
