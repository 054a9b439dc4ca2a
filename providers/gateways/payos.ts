/**
 * PayOS's side of its protocol, for play: checks what the merchant signed, and signs what PayOS would. It calls about
 * money only, returns browsers without a signature, and gives nothing back by itself.
 * Protocol: as in ../payos/signing.ts
 */
import { createHash } from 'node:crypto';
import { readObject } from '../json-api.ts';
import { signData, signRequest } from '../payos/signing.ts';
import { isSameHex } from '../signature.ts';
import { vietnamTime } from '../vietnam-time.ts';
import type { Gateway, GatewayCall, GatewayParts } from './gateway.ts';
import { newOrder, type Order } from './orders.ts';

export interface PayosKeys {
  readonly clientId: string;
  readonly apiKey: string;
  readonly checksumKey: string;
}

const refusal = (code: string, desc: string) => ({ code, desc, data: null });

interface Desk extends PayosKeys, GatewayParts {}
type Fields = Readonly<Record<string, unknown>>;

export function createPayosGateway(keys: PayosKeys, parts: GatewayParts): Gateway {
  const desk = { ...keys, ...parts };
  const { checksumKey } = keys;
  return {
    answer(call) {
      const [isApi, id, isCancel] = /^\/v2\/payment-requests(?:\/(\d+)(\/cancel)?)?$/.exec(call.path) ?? [];
      if (isApi) return { json: answerApi(desk, call, { id, isCancel: isCancel !== undefined }) };
      const order = parts.orders.find('payos', /^\/web\/(\d+)$/.exec(call.path)?.[1] ?? '');
      return order && call.method === 'GET' ? { show: order } : null;
    },
    returnAddress(order) {
      const isPaid = order.status === 'paid';
      const url = new URL(isPaid ? order.returnUrl : (order.details.cancelUrl ?? order.returnUrl));
      const status = isPaid ? 'PAID' : 'CANCELLED';
      const fields = { code: '00', id: linkIdOf(order), cancel: String(!isPaid), status, orderCode: order.id };
      for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
      return url.href;
    },
    callback(order, merchantUrl, signWith) {
      if (order.status !== 'paid') return null;
      const about = { orderCode: Number(order.id), currency: 'VND', paymentLinkId: linkIdOf(order) };
      const data = { ...transferData(order), ...about, code: '00', desc: 'success' };
      const signature = signData(data, signWith === 'right key' ? checksumKey : `${checksumKey}-not`);
      return {
        url: merchantUrl,
        body: JSON.stringify({ code: '00', desc: 'success', success: true, data, signature }),
      };
    },
    isTaken: (status) => status >= 200 && status < 300,
  };
}

function signed(data: Fields, checksumKey: string): object {
  return { code: '00', desc: 'success', data, signature: signData(data, checksumKey) };
}

function answerApi(
  desk: Desk,
  call: GatewayCall,
  { id, isCancel }: { readonly id: string | undefined; readonly isCancel: boolean },
): object {
  const { 'x-client-id': client, 'x-api-key': key } = call.headers;
  if (client !== desk.clientId || key !== desk.apiKey) return refusal('401', 'Unauthorized');
  if (id === undefined) return create(desk, call);
  const order = desk.orders.find('payos', id);
  if (!order) return refusal('101', 'No such order');
  return isCancel ? cancel(desk, order) : signed(linkData(order, call.nowMs), desk.checksumKey);
}

function create({ orders, baseUrl, checksumKey }: Desk, { body, nowMs }: GatewayCall): object {
  const asked = readObject(body) ?? {};
  if (!isSameHex(String(asked.signature), signRequest(asked, checksumKey))) return refusal('201', 'Wrong signature');
  const id = String(asked.orderCode);
  if (orders.find('payos', id)) return refusal('231', 'The order exists already');
  const [item] = asked.items as readonly { readonly name: string }[];
  const order: Order = {
    ...newOrder,
    gateway: 'payos',
    id,
    bookingId: /^Booking (.+)$/.exec(item?.name ?? '')?.[1] ?? null,
    amount: Number(asked.amount),
    createdMs: nowMs,
    endMs: Number(asked.expiredAt) * 1000,
    returnUrl: String(asked.returnUrl),
    details: { description: String(asked.description), cancelUrl: String(asked.cancelUrl) },
  };
  orders.write(order, false);
  const link = {
    bin: '970422',
    accountNumber: '0000000000',
    accountName: 'PLAY',
    amount: order.amount,
    description: asked.description,
    orderCode: asked.orderCode,
    currency: 'VND',
    paymentLinkId: linkIdOf(order),
    status: 'PENDING',
    expiredAt: asked.expiredAt,
    checkoutUrl: `${baseUrl()}/web/${id}`,
    qrCode: '',
  };
  return signed(link, checksumKey);
}

function cancel({ orders, checksumKey }: Desk, order: Order): object {
  if (order.status === 'paid') return refusal('20', 'The order is paid');
  const cancelled: Order = { ...order, status: 'cancelled' };
  orders.write(cancelled, false);
  return signed(linkData(cancelled, 0), checksumKey);
}

const linkIdOf = ({ id }: Order) => createHash('md5').update(id).digest('hex');

function transferData(order: Order) {
  return {
    amount: order.amount,
    description: order.details.description ?? '',
    accountNumber: '0000000000',
    reference: `FT${order.paymentNo}`,
    transactionDateTime: vietnamTime(order.paidMs ?? 0),
    counterAccountBankId: '',
    counterAccountBankName: null,
    virtualAccountName: '',
  };
}

function linkData(order: Order, nowMs: number): Fields {
  const { id, amount, status, paidMs, createdMs, endMs } = order;
  const isPaid = paidMs !== null;
  const words = {
    open: nowMs > endMs ? 'EXPIRED' : 'PENDING',
    paid: 'PAID',
    refused: 'CANCELLED',
    cancelled: 'CANCELLED',
  };
  return {
    id: linkIdOf(order),
    orderCode: Number(id),
    amount,
    amountPaid: isPaid ? amount : 0,
    amountRemaining: isPaid ? 0 : amount,
    status: words[status],
    createdAt: new Date(createdMs).toISOString(),
    transactions: isPaid ? [transferData(order)] : [],
    cancellationReason: null,
    canceledAt: null,
  };
}
