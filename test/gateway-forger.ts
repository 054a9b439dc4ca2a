/** Callbacks as a gateway would send them to a node, but about whatever a test wants. */

import { signData } from '../providers/payos/signing.ts';
import { hmacHex } from '../providers/signature.ts';
import { orderInfo, toVnpayAmount } from '../providers/vnpay/order.ts';
import { signedQuery } from '../providers/vnpay/signing.ts';
import { gatewayKeys } from './gateway-buyer.ts';

export interface ForgedCallback {
  readonly intentId: string;
  readonly bookingId: string;
  readonly amountMinor: number;
  /** The gateway's number of the payment. @default 77001 */
  readonly paymentNo?: number;
  /** @default the merchant's own, so that the signature is right */
  readonly key?: string;
  /** @default the merchant's own */
  readonly merchant?: string;
}

export type Gateway = keyof typeof gatewayKeys;

/** Sends it; the answer's status and body. */
export async function forgeCallback(nodeUrl: string, gateway: Gateway, callback: ForgedCallback) {
  const url = `${nodeUrl}/api/v1/webhooks/${gateway}`;
  const response = await requests[gateway](url, callback);
  return { status: response.status, body: (await response.json()) as Readonly<Record<string, unknown>> };
}

/** What each gateway hears when a callback was taken, repeated, of nothing we know, of another amount, or not signed. */
export const wordsOf: Readonly<Record<Gateway, Readonly<Record<string, object>>>> = {
  vnpay: {
    stored: { RspCode: '00' },
    repeated: { RspCode: '02' },
    unknown: { RspCode: '01' },
    amount: { RspCode: '04' },
    unsigned: { RspCode: '97' },
    otherMerchant: { RspCode: '99' },
  },
  zalopay: {
    stored: { return_code: 1 },
    repeated: { return_code: 2 },
    unknown: { return_code: 0 },
    amount: { return_code: -1 },
    unsigned: { return_code: -1 },
    otherMerchant: { return_code: -1 },
  },
  payos: {
    stored: { success: true },
    repeated: { success: true },
    unknown: { success: true },
    amount: { success: true },
    unsigned: { success: false },
    // Its merchants differ by their keys only.
    otherMerchant: { success: false },
  },
};

const requests: Readonly<Record<Gateway, (url: string, callback: ForgedCallback) => Promise<Response>>> = {
  vnpay(url, { intentId, bookingId, amountMinor, paymentNo = 77_001, key, merchant }) {
    const { tmnCode, hashSecret } = gatewayKeys.vnpay;
    const fields = {
      vnp_TmnCode: merchant ?? tmnCode,
      vnp_Amount: toVnpayAmount(amountMinor),
      vnp_OrderInfo: orderInfo(bookingId),
      vnp_ResponseCode: '00',
      vnp_TransactionStatus: '00',
      vnp_TransactionNo: String(paymentNo),
      vnp_TxnRef: intentId,
    };
    return fetch(`${url}?${signedQuery(fields, key ?? hashSecret)}`);
  },
  zalopay(url, { intentId, bookingId, amountMinor, paymentNo = 77_001, key, merchant }) {
    const { appId, key2 } = gatewayKeys.zalopay;
    const data = JSON.stringify({
      app_id: merchant ? Number(merchant) : appId,
      app_trans_id: intentId,
      amount: amountMinor,
      embed_data: JSON.stringify({ booking_id: bookingId }),
      zp_trans_id: paymentNo,
    });
    return post(url, { data, mac: hmacHex('sha256', key ?? key2, data), type: 1 });
  },
  payos(url, { intentId, amountMinor, paymentNo = 77_001, key, merchant }) {
    const { checksumKey } = gatewayKeys.payos;
    const data = {
      orderCode: Number(intentId),
      amount: amountMinor,
      currency: 'VND',
      code: '00',
      reference: `FT${paymentNo}`,
    };
    return post(url, { code: '00', success: true, data, signature: signData(data, key ?? merchant ?? checksumKey) });
  },
};

function post(url: string, body: object): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
}
