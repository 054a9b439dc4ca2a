/**
 * The play gateways: local stand-ins for VNPay, ZaloPay and PayOS in one house, each in a folder of its own address.
 * Owns which gateway is meant, the page on which a buyer decides, and what a decision sets going. No HTTP: the sandbox's
 * server hands calls in.
 */
import type { SandboxClock } from '../sandbox/clock.ts';
import type { Faults } from '../sandbox/faults.ts';
import { startCourier } from './courier.ts';
import { type Gateway, type GatewayCall, paymentNumber } from './gateway.ts';
import { type GatewayName, type Order, openOrderBook, refundedOf } from './orders.ts';
import { orderPage, problemPage } from './page.ts';
import { createPayosGateway, type PayosKeys } from './payos.ts';
import { createVnpayGateway, type VnpayKeys } from './vnpay.ts';
import { createZalopayGateway, type ZalopayKeys } from './zalopay.ts';

/** What the merchant and each gateway have agreed on. */
export interface GatewayKeys {
  readonly vnpay: VnpayKeys;
  readonly zalopay: ZalopayKeys;
  readonly payos: PayosKeys;
}

export interface GatewayOptions {
  readonly keys: GatewayKeys;
  /** Where everything is kept over a restart; null keeps it in memory. */
  readonly journalFile: string | null;
  /** Where the merchant takes calls, with the gateway's name to be added; null while there is no merchant. */
  readonly merchantUrl: () => string | null;
}

/** What the sandbox lends its gateways. */
interface House {
  readonly faults: Faults;
  readonly clock: SandboxClock;
  readonly baseUrl: () => string;
  readonly log: (line: string) => void;
}

interface PageReply {
  readonly status: number;
  /** Text is a page, anything else becomes JSON. */
  readonly body: string | object;
  readonly location?: string;
}

export interface Gateways {
  /** Null when the address is no gateway's. */
  answer(call: Omit<GatewayCall, 'nowMs'>): PageReply | null;
  charges(): readonly object[];
  stop(): void;
}

/** Opens the journal first. @throws when it is damaged */
export async function openGateways(options: GatewayOptions, house: House): Promise<Gateways> {
  const { keys } = options;
  const { clock } = house;
  const orders = await openOrderBook(options.journalFile);
  const partsOf = (name: GatewayName) => ({ orders, baseUrl: () => `${house.baseUrl()}/${name}` });
  const gateways: Readonly<Record<GatewayName, Gateway>> = {
    vnpay: createVnpayGateway(keys.vnpay, partsOf('vnpay')),
    zalopay: createZalopayGateway(keys.zalopay, partsOf('zalopay')),
    payos: createPayosGateway(keys.payos, partsOf('payos')),
  };
  const courier = startCourier({
    ...house,
    gatewayOf: ({ gateway }) => gateways[gateway],
    merchantUrl: ({ gateway }) => {
      const url = options.merchantUrl();
      return url === null ? null : `${url}/${gateway}`;
    },
    settle: orders.settle,
  });
  for (const order of [...orders.untold()]) courier.deliver(order);

  /** A buyer's decision is final: who refused has to order again. */
  function decide(order: Order, decision: string | null): PageReply {
    const nowMs = clock.nowMs();
    const mayDecide = order.status === 'open' && nowMs <= order.endMs;
    if (!mayDecide || (decision !== 'approve' && decision !== 'refuse')) return show(order);
    const paid = { status: 'paid', paymentNo: paymentNumber(nowMs, orders), paidMs: nowMs } as const;
    const decided: Order = { ...order, ...(decision === 'approve' ? paid : { status: 'refused' as const }) };
    orders.write(decided, true);
    courier.deliver(decided);
    return { status: 303, body: 'Decided.', location: gateways[order.gateway].returnAddress(decided) };
  }

  function show(order: Order): PageReply {
    const decisionUrl = `${house.baseUrl()}/${order.gateway}/decision/${encodeURIComponent(order.id)}`;
    return { status: 200, body: orderPage(order, decisionUrl, clock.nowMs()) };
  }

  /** A merchant sends money back outside the gateway, e.g. by bank transfer. */
  function returnByHand(order: Order): PageReply {
    const nowMs = clock.nowMs();
    const amount = order.paidMs === null ? 0 : order.amount - refundedOf(order);
    const refund = { id: `hand-${nowMs}`, amount, createdMs: nowMs };
    if (amount > 0) orders.write({ ...order, refunds: [...order.refunds, refund] }, false);
    return { status: 200, body: { returned: amount } };
  }

  return {
    answer(call) {
      const [, folder, path = ''] = /^\/(vnpay|zalopay|payos)(\/.*)$/.exec(call.path) ?? [];
      if (folder === undefined) return null;
      const name = folder as GatewayName;
      const [, verb, id = ''] = /^\/(decision|returned)\/([^/]+)$/.exec(path) ?? [];
      const order = orders.find(name, decodeURIComponent(id));
      if (order && call.method === 'POST' && verb === 'returned') return returnByHand(order);
      if (order && call.method === 'POST') return decide(order, new URLSearchParams(call.body).get('decision'));
      const reply = gateways[name].answer({ ...call, path, nowMs: clock.nowMs() });
      if (reply === null) return { status: 404, body: problemPage('There is no such page.') };
      if ('json' in reply) return { status: 200, body: reply.json };
      return 'show' in reply ? show(reply.show) : { status: 400, body: problemPage(reply.problem) };
    },
    charges: orders.charges,
    stop() {
      courier.stop();
      orders.close();
    },
  };
}
