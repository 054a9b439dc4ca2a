/**
 * VNPay's side of its protocol, for play: checks what the merchant signed, and signs what VNPay would. The order comes
 * to be when its page is first opened, as there.
 * Protocol: as in ../vnpay/signing.ts
 */
import { randomBytes } from 'node:crypto';
import { readObject } from '../json-api.ts';
import { readVietnamTime, vietnamTime } from '../vietnam-time.ts';
import { bookingOf, readVnpayAmount, toVnpayAmount } from '../vnpay/order.ts';
import { isSignedMessage, isSignedQuery, signedQuery, signMessage, type VnpayFields } from '../vnpay/signing.ts';
import type { Gateway, GatewayCall, GatewayParts, GatewayReply } from './gateway.ts';
import { newOrder, type Order, type OrderBook, refundedOf } from './orders.ts';

export interface VnpayKeys {
  readonly tmnCode: string;
  readonly hashSecret: string;
}

interface Desk extends VnpayKeys {
  readonly orders: OrderBook;
}

export function createVnpayGateway(keys: VnpayKeys, { orders }: GatewayParts): Gateway {
  const desk = { ...keys, orders };
  const { hashSecret } = keys;
  const outcome = (order: Order, key: string) => signedQuery(outcomeFields(desk, order), key);
  return {
    answer(call) {
      if (call.method === 'GET' && call.path === '/paymentv2/vpcpay.html') return openPage(desk, call);
      if (call.method === 'POST' && call.path === '/merchant_webapi/api/transaction')
        return { json: transact(desk, call) };
      return null;
    },
    returnAddress: (order) => withQuery(order.returnUrl, outcome(order, hashSecret)),
    callback: (order, merchantUrl, signWith) => {
      const key = signWith === 'right key' ? hashSecret : `${hashSecret}-not`;
      return { url: withQuery(merchantUrl, outcome(order, key)), body: null };
    },
    isTaken: (status, body) => status === 200 && ['00', '02'].includes(String(readObject(body)?.RspCode)),
  };
}

function openPage({ orders, tmnCode, hashSecret }: Desk, { query }: GatewayCall): GatewayReply {
  if (!isSignedQuery(query, hashSecret)) return { problem: 'The signature does not verify.' };
  if (query.vnp_TmnCode !== tmnCode) return { problem: 'No such merchant.' };
  const { vnp_TxnRef: id = '', vnp_ReturnUrl: returnUrl = '', vnp_OrderInfo: info = '' } = query;
  const amount = readVnpayAmount(query.vnp_Amount);
  if (amount === null || query.vnp_CurrCode !== 'VND') return { problem: 'No amount of dong.' };
  const known = orders.find('vnpay', id);
  if (known) return { show: known };
  const order: Order = {
    ...newOrder,
    gateway: 'vnpay',
    id,
    bookingId: bookingOf(info),
    amount,
    createdMs: readVietnamTime(query.vnp_CreateDate ?? ''),
    endMs: readVietnamTime(query.vnp_ExpireDate ?? ''),
    returnUrl,
    details: { info },
  };
  orders.write(order, false);
  return { show: order };
}

function transact(desk: Desk, { body, nowMs }: GatewayCall): object {
  const request = (readObject(body) ?? {}) as VnpayFields;
  const command = request.vnp_Command === 'refund' ? 'refund' : 'querydr';
  const [code, order] = outcomeOf(desk, command, { request, nowMs });
  const fields = {
    vnp_ResponseId: randomBytes(16).toString('hex'),
    vnp_Command: command,
    vnp_TmnCode: desk.tmnCode,
    vnp_TxnRef: request.vnp_TxnRef ?? '',
    vnp_ResponseCode: code,
    vnp_Message: code === '00' ? 'Success' : 'Failed',
    ...(order && transactionFields(order)),
  };
  return signMessage(`${command} answer`, fields, desk.hashSecret);
}

function outcomeOf(
  { orders, tmnCode, hashSecret }: Desk,
  command: 'querydr' | 'refund',
  { request, nowMs }: { readonly request: VnpayFields; readonly nowMs: number },
): readonly [code: string, order: Order | null] {
  if (!isSignedMessage(`${command} request`, request, hashSecret)) return ['97', null];
  if (request.vnp_TmnCode !== tmnCode) return ['02', null];
  const order = orders.find('vnpay', request.vnp_TxnRef ?? '');
  if (!order || vietnamTime(order.createdMs) !== request.vnp_TransactionDate) return ['91', null];
  if (command === 'querydr') return ['00', order];
  const amount = readVnpayAmount(request.vnp_Amount) ?? 0;
  if (order.paidMs === null || amount === 0 || amount + refundedOf(order) > order.amount) return ['95', null];
  const refunded = { ...order, refunds: [...order.refunds, { id: String(nowMs), amount, createdMs: nowMs }] };
  orders.write(refunded, false);
  return ['00', refunded];
}

/** What a browser carries and what a notification says are the same parameters. */
function outcomeFields({ tmnCode }: Desk, order: Order): VnpayFields {
  const isPaid = order.status === 'paid';
  return {
    vnp_TmnCode: tmnCode,
    vnp_Amount: toVnpayAmount(order.amount),
    vnp_BankCode: 'NCB',
    vnp_CardType: 'ATM',
    vnp_OrderInfo: order.details.info ?? '',
    vnp_PayDate: vietnamTime(order.paidMs ?? order.createdMs),
    vnp_ResponseCode: isPaid ? '00' : '24',
    vnp_TransactionNo: order.paymentNo ?? '0',
    vnp_TransactionStatus: isPaid ? '00' : '02',
    vnp_TxnRef: order.id,
  };
}

function transactionFields(order: Order): VnpayFields {
  const refunded = refundedOf(order);
  const type = refunded === 0 ? '01' : refunded === order.amount ? '02' : '03';
  const statuses = { open: '01', paid: '00', refused: '02', cancelled: '02' };
  return {
    vnp_Amount: toVnpayAmount(refunded || order.amount),
    vnp_BankCode: 'NCB',
    vnp_OrderInfo: order.details.info ?? '',
    vnp_PayDate: vietnamTime(order.paidMs ?? order.createdMs),
    vnp_TransactionNo: order.refunds.at(-1)?.id ?? order.paymentNo ?? '',
    vnp_TransactionType: type,
    vnp_TransactionStatus: type === '01' ? statuses[order.status] : '05',
  };
}

function withQuery(url: string, query: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${query}`;
}
