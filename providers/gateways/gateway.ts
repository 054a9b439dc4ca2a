/** What a play gateway must say for itself: its API, and how it tells merchants and browsers of an outcome. */
import type { Order, OrderBook } from './orders.ts';

export interface GatewayCall {
  readonly method: string;
  /** Below the gateway's own folder, e.g. `/v2/create`. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly nowMs: number;
}

/** JSON for a merchant's server, or the order whose page a browser is shown, or why it is shown none. */
export type GatewayReply = { readonly json: object } | { readonly show: Order } | { readonly problem: string };

/** A call to the merchant. Without a body it is a GET. */
export interface Callback {
  readonly url: string;
  readonly body: string | null;
}

export interface Gateway {
  /** Null when there is nothing at that address. */
  answer(call: GatewayCall): GatewayReply | null;
  /** Where the browser goes with the order's outcome. */
  returnAddress(order: Order): string;
  /** Null when this gateway does not call about such an outcome. */
  callback(order: Order, merchantUrl: string, signWith: 'right key' | 'another key'): Callback | null;
  /** Whether the merchant's answer means that it need not be called again. */
  isTaken(status: number, body: string): boolean;
}

export interface GatewayParts {
  readonly orders: OrderBook;
  /** Where this gateway's folder is. */
  readonly baseUrl: () => string;
}

/** A number that a gateway gives a payment: unique, and of digits only, since some merchants' fields take no more. */
export function paymentNumber(nowMs: number, orders: OrderBook): string {
  return `${nowMs}${String(orders.charges().length % 100).padStart(2, '0')}`;
}
