/**
 * ZaloPay's side of its protocol, for play: checks what the merchant signed with key1, and signs with key2 what ZaloPay
 * would. It calls back about money only; a refusal is learnt by asking.
 * Protocol: as in ../zalopay/signing.ts
 */
import { readObject } from '../json-api.ts';
import { hmacHex } from '../signature.ts';
import { isSignedMessage, macOf, type ZalopayMessage } from '../zalopay/signing.ts';
import type { Gateway, GatewayCall, GatewayParts } from './gateway.ts';
import { newOrder, type Order, refundedOf } from './orders.ts';

export interface ZalopayKeys {
  readonly appId: number;
  readonly key1: string;
  readonly key2: string;
}

type Fields = Readonly<Record<string, unknown>>;

const answerOf = (return_code: number, sub_return_code: number, more: object = {}) => ({
  return_code,
  return_message: return_code === 1 ? 'success' : 'failed',
  sub_return_code,
  sub_return_message: '',
  ...more,
});

interface Desk extends ZalopayKeys, GatewayParts {}

export function createZalopayGateway(keys: ZalopayKeys, parts: GatewayParts): Gateway {
  const desk = { ...keys, ...parts };
  const { appId, key2 } = keys;
  return {
    answer(call) {
      const [, kind] = /^\/v2\/(create|query|refund|query_refund)$/.exec(call.path) ?? [];
      if (kind && call.method === 'POST') return { json: answerApi(desk, kind as ApiCall, call) };
      const [, id] = /^\/pay\/([^/]+)$/.exec(call.path) ?? [];
      const order = id && call.method === 'GET' ? parts.orders.find('zalopay', id) : undefined;
      return order ? { show: order } : null;
    },
    returnAddress(order) {
      const fields = {
        appid: String(appId),
        apptransid: order.id,
        pmcid: '38',
        bankcode: '',
        amount: String(order.amount),
        discountamount: '0',
        status: order.status === 'paid' ? '1' : '-63',
      };
      const url = new URL(order.returnUrl);
      for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
      url.searchParams.set('checksum', macOf('redirect', fields, key2));
      return url.href;
    },
    callback(order, merchantUrl, signWith) {
      if (order.status !== 'paid') return null;
      const data = callbackData(order, appId);
      const mac = hmacHex('sha256', signWith === 'right key' ? key2 : `${key2}-not`, data);
      return { url: order.details.callback_url || merchantUrl, body: JSON.stringify({ data, mac, type: 1 }) };
    },
    isTaken: (status, body) => status === 200 && readObject(body)?.return_code !== 0,
  };
}

type ApiCall = Exclude<ZalopayMessage, 'redirect'>;

function answerApi(desk: Desk, kind: ApiCall, { body, nowMs }: GatewayCall): object {
  const asked = readObject(body) ?? {};
  if (asked.app_id !== desk.appId || !isSignedMessage(kind, asked, desk.key1)) return answerOf(2, -402);
  switch (kind) {
    case 'create':
      return create(desk, asked);
    case 'query':
      return query(desk, asked, nowMs);
    case 'refund':
      return refund(desk, asked, nowMs);
    case 'query_refund':
      return desk.orders.findRefund('zalopay', String(asked.m_refund_id)) ? answerOf(1, 1) : answerOf(2, -101);
  }
}

function create({ orders, baseUrl }: Desk, asked: Fields): object {
  const id = String(asked.app_trans_id);
  if (orders.find('zalopay', id)) return answerOf(2, -68);
  const { redirecturl = '', booking_id = null } = readObject(String(asked.embed_data)) ?? {};
  const createdMs = Number(asked.app_time);
  const kept = ['app_user', 'embed_data', 'item', 'callback_url'].map((name) => [name, String(asked[name])]);
  const order: Order = {
    ...newOrder,
    gateway: 'zalopay',
    id,
    bookingId: booking_id === null ? null : String(booking_id),
    amount: Number(asked.amount),
    createdMs,
    endMs: createdMs + Number(asked.expire_duration_seconds) * 1000,
    returnUrl: String(redirecturl),
    details: Object.fromEntries(kept),
  };
  orders.write(order, false);
  return answerOf(1, 1, { order_url: `${baseUrl()}/pay/${id}`, zp_trans_token: id, order_token: id });
}

function query({ orders }: Desk, { app_trans_id: id }: Fields, nowMs: number): object {
  const order = orders.find('zalopay', String(id));
  if (!order) return answerOf(2, -101);
  const { amount, paymentNo, status, endMs } = order;
  const about = { amount, discount_amount: 0, is_processing: false, zp_trans_id: Number(paymentNo) };
  if (status === 'paid') return answerOf(1, 1, about);
  if (status === 'open' && nowMs <= endMs) return answerOf(3, -49, about);
  return answerOf(2, status === 'open' ? -54 : -63, about);
}

function refund({ orders }: Desk, asked: Fields, nowMs: number): object {
  const order = orders.findPaid('zalopay', String(asked.zp_trans_id));
  const id = String(asked.m_refund_id);
  const amount = Number(asked.amount);
  if (!order || refundedOf(order) + amount > order.amount) return answerOf(2, -14);
  if (orders.findRefund('zalopay', id)) return answerOf(2, -13);
  orders.write({ ...order, refunds: [...order.refunds, { id, amount, createdMs: nowMs }] }, false);
  return answerOf(1, 1, { refund_id: nowMs });
}

function callbackData(order: Order, appId: number): string {
  const { id, details, amount, createdMs, paidMs, paymentNo } = order;
  return JSON.stringify({
    app_id: appId,
    app_trans_id: id,
    app_time: createdMs,
    app_user: details.app_user,
    amount,
    embed_data: details.embed_data,
    item: details.item,
    zp_trans_id: Number(paymentNo),
    server_time: paidMs,
    channel: 38,
    merchant_user_id: 'play',
    user_fee_amount: 0,
    discount_amount: 0,
  });
}
