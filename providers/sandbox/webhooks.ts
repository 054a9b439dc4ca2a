/**
 * The courier: signs events as Stripe does and posts them until the receiver takes them. Owns retries and the harm
 * that faults.ts orders. Each event travels alone: as with Stripe, order is not promised.
 * Signature: https://docs.stripe.com/webhooks/signature
 */
import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import type { SandboxClock } from './clock.ts';
import type { DeliveryFault, Faults } from './faults.ts';
import type { Announcement } from './ledger.ts';

/** Waits between attempts, about five minutes in all; Stripe's take days. */
const retryDelaysMs = [500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 60_000, 120_000];

/** Silence after which the receiver counts as absent. */
const receiverTimeoutMs = 10_000;

const maxConnections = 64;

export interface CourierOptions {
  /** Where to post (plain http), asked anew each time; null while there is no receiver. */
  readonly url: () => string | null;
  readonly secret: string;
  readonly clock: SandboxClock;
  readonly faults: Faults;
  readonly bodyOf: (announcement: Announcement) => string;
  /** Told once per event that nothing more will be done about it. */
  readonly settle: (eventId: string) => void;
  readonly log: (line: string) => void;
}

export interface Courier {
  deliver(announcement: Announcement): void;
  /** Sends a delivery that `reorder` holds back, if there is one. */
  releaseHeld(): void;
  /** Stops at once; what is under way stays unsettled. */
  stop(): void;
}

export function startCourier(options: CourierOptions): Courier {
  const { clock, faults, settle, log } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: maxConnections });
  const timers = new Set<() => void>();
  let held: (() => void) | null = null;
  let stopped = false;

  function later(delayMs: number, run: () => void): void {
    const cancel = clock.after(delayMs, () => {
      timers.delete(cancel);
      run();
    });
    timers.add(cancel);
  }

  function attempt(announcement: Announcement, attemptsBefore: number): void {
    const fault = faults.nextDelivery();
    if (fault.drop) {
      log(`${announcement.id} ${announcement.type} dropped`);
      settle(announcement.id);
      return;
    }
    const go = () => {
      post(announcement, fault)
        .then((taken) => finish(announcement, attemptsBefore, taken))
        .catch((error: unknown) => log(`${announcement.id} is stuck until the next start: ${String(error)}`));
    };
    const start = fault.delayMs > 0 ? () => later(fault.delayMs, go) : go;
    if (fault.reorder && held === null) held = start;
    else start();
  }

  async function post(announcement: Announcement, fault: DeliveryFault): Promise<boolean> {
    const body = options.bodyOf(announcement);
    const signature = sign(body, fault.badSignature ? `${options.secret}-not` : options.secret, clock.nowMs());
    const url = options.url();
    if (url === null) return false;
    const copies = Array.from({ length: 1 + fault.duplicate }, () => postOnce(url, { body, signature, agent }));
    const statuses = await Promise.all(copies);
    return statuses.some((status) => status !== null && status >= 200 && status < 300);
  }

  function finish(announcement: Announcement, attemptsBefore: number, taken: boolean): void {
    if (stopped) return;
    const retryMs = retryDelaysMs[attemptsBefore];
    if (taken) {
      settle(announcement.id);
    } else if (retryMs === undefined) {
      log(`${announcement.id} ${announcement.type} given up after ${attemptsBefore + 1} attempts`);
      settle(announcement.id);
    } else {
      later(retryMs, () => attempt(announcement, attemptsBefore + 1));
    }
    releaseHeld();
  }

  function releaseHeld(): void {
    const start = held;
    held = null;
    start?.();
  }

  return {
    deliver: (announcement) => attempt(announcement, 0),
    releaseHeld,
    stop() {
      stopped = true;
      held = null;
      for (const cancel of timers) cancel();
      agent.destroy();
    },
  };
}

/** The `Stripe-Signature` header for a body sent at this moment. */
function sign(body: string, secret: string, nowMs: number): string {
  const time = Math.floor(nowMs / 1000);
  return `t=${time},v1=${createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')}`;
}

/** The HTTP status of the answer, or null without one. */
function postOnce(
  url: string,
  { body, signature, agent }: { body: string; signature: string; agent: Agent },
): Promise<number | null> {
  return new Promise((resolve) => {
    const headers = {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
      'Stripe-Signature': signature,
      'User-Agent': 'onsale-sandbox/1.0',
    };
    const sent = request(url, { method: 'POST', headers, agent, timeout: receiverTimeoutMs }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? null);
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve(null));
    sent.on('close', () => resolve(null));
    sent.end(body);
  });
}
