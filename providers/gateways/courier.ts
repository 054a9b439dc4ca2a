/**
 * The courier of the play gateways: calls merchants until they take it. Owns retries and the harm that the sandbox's
 * faults order; each call is made anew, so it says what is so by then.
 */
import type { SandboxClock } from '../sandbox/clock.ts';
import type { DeliveryFault, Faults } from '../sandbox/faults.ts';
import type { Callback, Gateway } from './gateway.ts';
import type { Order } from './orders.ts';

/** Waits between attempts: the real ones wait minutes, and give up after as many. */
const retryDelaysMs = [500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000];
const merchantTimeoutMs = 10_000;

export interface CourierOptions {
  readonly gatewayOf: (order: Order) => Gateway;
  /** Where the merchant takes the calls of this order's gateway; null while there is no merchant. */
  readonly merchantUrl: (order: Order) => string | null;
  readonly clock: SandboxClock;
  readonly faults: Faults;
  /** Told once per order that nothing more will be sent. */
  readonly settle: (order: Order) => void;
  readonly log: (line: string) => void;
}

export interface Courier {
  deliver(order: Order): void;
  stop(): void;
}

export function startCourier({ gatewayOf, merchantUrl, clock, faults, settle, log }: CourierOptions): Courier {
  const timers = new Set<() => void>();
  const stopping = new AbortController();

  function later(delayMs: number, run: () => void): void {
    const cancel = clock.after(delayMs, () => {
      timers.delete(cancel);
      run();
    });
    timers.add(cancel);
  }

  function attempt(order: Order, attemptsBefore: number): void {
    const fault = faults.nextDelivery();
    const go = () => {
      send(order, fault)
        .then((taken) => finish(order, attemptsBefore, taken))
        .catch((error: unknown) => log(`${order.gateway} ${order.id} is stuck until the next start: ${String(error)}`));
    };
    if (fault.drop) settle(order);
    else if (fault.delayMs > 0) later(fault.delayMs, go);
    else go();
  }

  async function send(order: Order, fault: DeliveryFault): Promise<boolean> {
    const gateway = gatewayOf(order);
    const url = merchantUrl(order);
    if (url === null) return false;
    const callback = gateway.callback(order, url, fault.badSignature ? 'another key' : 'right key');
    if (callback === null) return true;
    const copies = Array.from({ length: 1 + fault.duplicate }, () => call(callback, stopping.signal));
    const answers = await Promise.all(copies);
    return answers.some((answer) => answer !== null && gateway.isTaken(answer.status, answer.body));
  }

  function finish(order: Order, attemptsBefore: number, taken: boolean): void {
    if (stopping.signal.aborted) return;
    const retryMs = retryDelaysMs[attemptsBefore];
    if (taken || retryMs === undefined) settle(order);
    else later(retryMs, () => attempt(order, attemptsBefore + 1));
  }

  return {
    deliver: (order) => attempt(order, 0),
    stop() {
      stopping.abort();
      for (const cancel of timers) cancel();
    },
  };
}

/** Null without an answer. */
async function call({ url, body }: Callback, stopped: AbortSignal): Promise<{ status: number; body: string } | null> {
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(merchantTimeoutMs)]);
  const request = body === null ? {} : { method: 'POST', body, headers: { 'Content-Type': 'application/json' } };
  try {
    const response = await fetch(url, { ...request, signal });
    return { status: response.status, body: await response.text() };
  } catch {
    return null;
  }
}
