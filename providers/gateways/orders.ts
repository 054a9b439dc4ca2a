/**
 * What the play gateways know: orders, what was paid and given back, and callbacks that nobody has taken yet. Owns the
 * journal and the one way to change anything: written first, applied after. Knows no gateway's words.
 */
import { openJournal } from '../sandbox/journal.ts';

export type GatewayName = 'vnpay' | 'zalopay' | 'payos';

/** An order as its merchant made it. Amounts in whole dong, times in epoch ms. */
export interface Order {
  readonly gateway: GatewayName;
  /** The merchant's own reference; unique at its gateway. */
  readonly id: string;
  /** Null when the order does not say. */
  readonly bookingId: string | null;
  readonly amount: number;
  readonly createdMs: number;
  /** No payment begins after this. */
  readonly endMs: number;
  readonly returnUrl: string;
  /** What this gateway must repeat in its answers and callbacks. */
  readonly details: Readonly<Record<string, string>>;
  readonly status: 'open' | 'paid' | 'refused' | 'cancelled';
  /** The gateway's number of the payment, once there was one. */
  readonly paymentNo: string | null;
  readonly paidMs: number | null;
  readonly refunds: readonly { readonly id: string; readonly amount: number; readonly createdMs: number }[];
}

/** What every order begins with. */
export const newOrder = { status: 'open', paymentNo: null, paidMs: null, refunds: [] } as const;

type JournalLine = { readonly order: Order; readonly tell: boolean } | { readonly told: string };

export interface OrderBook {
  find(gateway: GatewayName, id: string): Order | undefined;
  /** By the gateway's number of the payment. */
  findPaid(gateway: GatewayName, paymentNo: string): Order | undefined;
  findRefund(gateway: GatewayName, refundId: string): Order | undefined;
  /** @param tell whether its merchant is to be called about this change */
  write(order: Order, tell: boolean): void;
  /** Nothing more will be sent about this order. */
  settle(order: Order): void;
  untold(): Iterable<Order>;
  /** Money that was really taken, in the form of `GET /_sandbox/charges`. */
  charges(): readonly object[];
  close(): void;
}

const keyOf = ({ gateway, id }: Pick<Order, 'gateway' | 'id'>) => `${gateway}/${id}`;

/** @param file of the journal; null keeps everything in memory only */
export async function openOrderBook(file: string | null): Promise<OrderBook> {
  const orders = new Map<string, Order>();
  const untold = new Map<string, Order>();
  const apply = (line: JournalLine): void => {
    if ('told' in line) {
      untold.delete(line.told);
      return;
    }
    orders.set(keyOf(line.order), line.order);
    if (line.tell) untold.set(keyOf(line.order), line.order);
  };
  const journal = await openJournal(file, (line) => apply(line as JournalLine));
  const commit = (line: JournalLine): void => {
    journal.append(line);
    apply(line);
  };
  // One after the other: no play has so many orders that it would matter.
  const search = (gateway: GatewayName, wanted: (order: Order) => boolean) =>
    [...orders.values()].find((order) => order.gateway === gateway && wanted(order));
  return {
    find: (gateway, id) => orders.get(keyOf({ gateway, id })),
    findPaid: (gateway, paymentNo) => search(gateway, (order) => order.paymentNo === paymentNo),
    findRefund: (gateway, refundId) => search(gateway, ({ refunds }) => refunds.some(({ id }) => id === refundId)),
    write: (order, tell) => commit({ order, tell }),
    settle: (order) => commit({ told: keyOf(order) }),
    untold: () => untold.values(),
    charges: () => [...orders.values()].filter(({ paidMs }) => paidMs !== null).map(chargeOf),
    close: journal.close,
  };
}

export function refundedOf({ refunds }: Order): number {
  return refunds.reduce((sum, { amount }) => sum + amount, 0);
}

/** The same fields as a charge of the Stripe sandbox, so that one auditor reads both. */
function chargeOf(order: Order): object {
  const timeOf = (atMs: number | null) => new Date(atMs ?? 0).toISOString();
  return {
    charge_id: `${order.gateway}:${order.paymentNo}`,
    payment_intent: order.id,
    booking_id: order.bookingId,
    event_id: null,
    amount: order.amount,
    currency: 'VND',
    captured_at: timeOf(order.paidMs),
    refunded: refundedOf(order),
    refunds: order.refunds.map(({ id, amount, createdMs }) => ({
      refund_id: id,
      amount,
      created_at: timeOf(createdMs),
    })),
  };
}
