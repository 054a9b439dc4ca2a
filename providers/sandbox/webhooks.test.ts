/** Deliveries as a receiver sees them, verified by our own reading of notices. Time moves only when told to. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ProviderUnavailable } from '../../engine/payment.ts';
import { answerChallenge, payWithCard } from '../../test/sandbox-buyer.ts';
import { openShop, type Shop } from '../../test/sandbox-shop.ts';
import { type ReceivedWebhook, startWebhookReceiver, type WebhookReceiver } from '../../test/webhook-receiver.ts';
import type { SandboxClock } from './clock.ts';

const pays = '4242424242424242';

const until = (condition: () => boolean) => vi.waitUntil(condition, { timeout: 20_000, interval: 5 });

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

/** Delays wait in `waiting` until the test runs them. */
function manualClock() {
  let nowMs = Date.parse('2026-11-21T10:00:00Z');
  const waiting: Timer[] = [];
  const clock: SandboxClock = {
    nowMs: () => nowMs,
    after(delayMs, run) {
      const timer = { atMs: nowMs + delayMs, run };
      waiting.push(timer);
      return () => {
        const index = waiting.indexOf(timer);
        if (index !== -1) waiting.splice(index, 1);
      };
    },
  };
  /** Waits until something is delayed, lets that time pass, and answers how long it was. */
  async function passNextDelay(): Promise<number> {
    await until(() => waiting.length > 0);
    const next = waiting.splice(0, 1)[0] as Timer;
    const passedMs = next.atMs - nowMs;
    nowMs = next.atMs;
    next.run();
    return passedMs;
  }
  return { clock, waiting, passNextDelay };
}

let time: ReturnType<typeof manualClock>;
let receiver: WebhookReceiver;
let shop: Shop;
let log: string[];

beforeEach(async () => {
  time = manualClock();
  log = [];
  receiver = await startWebhookReceiver();
  shop = await openShop({ webhookUrl: () => receiver.url, clock: time.clock, log: (line) => log.push(line) });
});

afterEach(async () => {
  await shop.sandbox.stop();
  await receiver.stop();
});

async function pay(card = pays): Promise<string> {
  const { intentId, clientSecret } = await shop.open();
  await payWithCard(shop.sandbox.url, clientSecret, card);
  return intentId;
}

async function deliveries(count: number): Promise<ReceivedWebhook[]> {
  await until(() => receiver.received.length >= count);
  expect(receiver.received).toHaveLength(count);
  return receiver.received;
}

const read = ({ rawBody, signature }: ReceivedWebhook) =>
  shop.provider.readNotice(rawBody, signature, time.clock.nowMs());

describe('what is announced', () => {
  test('a payment, signed so that our own reading accepts it', async () => {
    const intentId = await pay();
    const [webhook] = await deliveries(1);
    expect(webhook && read(webhook)).toEqual({
      ok: true,
      value: {
        kind: 'succeeded',
        providerEventId: webhook?.eventId,
        intentId,
        bookingId: expect.any(String),
        eventId: 'e-1',
        amountMinor: 300_000,
        currency: 'THB',
        declineCode: null,
      },
    });
  });

  test('a decline, and then the payment by another card', async () => {
    const { clientSecret } = await shop.open();
    await payWithCard(shop.sandbox.url, clientSecret, '4000000000009995');
    const [first] = await deliveries(1);
    expect(first && read(first)).toMatchObject({ value: { kind: 'failed', declineCode: 'insufficient_funds' } });
    await payWithCard(shop.sandbox.url, clientSecret, pays);
    const [, second] = await deliveries(2);
    expect(second && read(second)).toMatchObject({ value: { kind: 'succeeded', declineCode: null } });
  });

  test('3-D Secure: nothing until the buyer has answered', async () => {
    const { clientSecret } = await shop.open();
    const { challengeUrl } = await payWithCard(shop.sandbox.url, clientSecret, '4000000000003220');
    await answerChallenge(challengeUrl ?? '', 'approve');
    const [webhook] = await deliveries(1);
    expect(webhook && read(webhook)).toMatchObject({ value: { kind: 'failed', declineCode: 'generic_decline' } });
  });

  test('a cancellation', async () => {
    await shop.provider.cancelIntent((await shop.open()).intentId);
    const [webhook] = await deliveries(1);
    expect(webhook && read(webhook)).toMatchObject({ value: { kind: 'cancelled', amountMinor: 300_000 } });
  });

  test('a refund, which our reading ignores', async () => {
    const intentId = await pay();
    await shop.provider.refund({ intentId, amountMinor: 1, idempotencyKey: 'refund:1' });
    const refunded = (await deliveries(2)).find(({ type }) => type === 'charge.refunded');
    expect(refunded && read(refunded)).toMatchObject({ value: { kind: 'ignored', type: 'charge.refunded' } });
    expect(refunded?.intentId).toBe(intentId);
  });

  test('the event tells the intent as it was, however late it comes', async () => {
    receiver.answerWith(500);
    const intentId = await pay('4000000000000002');
    await deliveries(1);
    receiver.answerWith(200);
    await shop.provider.cancelIntent(intentId);
    await time.passNextDelay();
    const failures = (await deliveries(3)).filter(({ type }) => type === 'payment_intent.payment_failed');
    expect(failures[1]?.rawBody).toEqual(failures[0]?.rawBody);
  });
});

describe('a receiver that does not take it', () => {
  test.each([500, 302, 404, null])('answers %s: asked again, later and later, freshly signed', async (status) => {
    receiver.answerWith(status);
    await pay();
    expect([await time.passNextDelay(), await time.passNextDelay()]).toEqual([500, 1_000]);
    await deliveries(3);
    receiver.answerWith(200);
    expect(await time.passNextDelay()).toBe(2_000);
    const received = await deliveries(4);
    expect(new Set(received.map(({ eventId }) => eventId)).size).toBe(1);
    expect(new Set(received.map(({ signature }) => signature)).size).toBeGreaterThan(1);
    expect(received.at(-1) && read(received.at(-1) as ReceivedWebhook)).toMatchObject({ ok: true });
    await pay();
    await deliveries(5);
    expect(time.waiting).toEqual([]);
  });

  test('is given up after a bounded number of attempts', async () => {
    receiver.answerWith(500);
    await pay();
    let waitedMs = 0;
    while (log.length === 0) {
      await until(() => time.waiting.length > 0 || log.length > 0);
      if (time.waiting.length > 0) waitedMs += await time.passNextDelay();
    }
    expect(log).toEqual([expect.stringMatching(/given up after 11 attempts/)]);
    expect(receiver.received).toHaveLength(11);
    expect(waitedMs).toBeGreaterThan(5 * 60_000);
  });
});

describe('faults', () => {
  test('delay_ms: it comes when the time has passed', async () => {
    await shop.setFaults({ delay_ms: 5_000 });
    await pay();
    await until(() => time.waiting.length === 1);
    expect(receiver.received).toEqual([]);
    expect(await time.passNextDelay()).toBe(5_000);
    await deliveries(1);
  });

  test('duplicate: as many copies more', async () => {
    await shop.setFaults({ duplicate: 3 });
    await pay();
    const copies = await deliveries(4);
    expect(new Set(copies.map(({ eventId }) => eventId)).size).toBe(1);
  });

  test('drop: never sent, while the money has moved', async () => {
    await shop.setFaults({ drop: true });
    const dropped = await pay();
    const sent = await pay();
    const [only] = await deliveries(1);
    expect(only?.intentId).toBe(sent);
    expect(await shop.provider.readIntent(dropped)).toMatchObject({ status: 'succeeded' });
    expect(time.waiting).toEqual([]);
  });

  test('reorder: held back until the next has been delivered', async () => {
    await shop.setFaults({ reorder: true });
    const [first, second] = [await pay(), await pay()];
    expect((await deliveries(2)).map(({ intentId }) => intentId)).toEqual([second, first]);
  });

  test('reorder: clearing the faults lets go of what is held back', async () => {
    await shop.setFaults({ reorder: true, for_next: null });
    const held = await pay();
    expect(receiver.received).toEqual([]);
    await shop.setFaults({});
    expect((await deliveries(1))[0]?.intentId).toBe(held);
  });

  test('bad_signature: our reading refuses it, and the retry is good', async () => {
    await shop.setFaults({ bad_signature: true });
    receiver.answerWith(401);
    await pay();
    const [forged] = await deliveries(1);
    expect(forged && read(forged)).toMatchObject({ ok: false, rejection: { code: 'UNAUTHORIZED' } });
    receiver.answerWith(200);
    await time.passNextDelay();
    const [, genuine] = await deliveries(2);
    expect(genuine && read(genuine)).toMatchObject({ ok: true });
  });

  test('timeout: the charge happened, the answer is lost, the same key finds it', async () => {
    const { intentId, clientSecret } = await shop.open();
    await payWithCard(shop.sandbox.url, clientSecret, pays);
    await shop.setFaults({ timeout: true });
    const refund = { intentId, amountMinor: 100_000, idempotencyKey: 'refund:lost' };
    await expect(shop.hurriedProvider.refund(refund)).rejects.toThrow(ProviderUnavailable);
    expect(await shop.provider.readIntent(intentId)).toMatchObject({ refundedMinor: 100_000 });
    expect(await shop.provider.refund(refund)).toHaveProperty('refundId');
    expect(await shop.provider.readIntent(intentId)).toMatchObject({ refundedMinor: 100_000 });
  });

  test('for_next: the harm ends after that many deliveries', async () => {
    await shop.setFaults({ drop: true, for_next: 2 });
    await pay();
    await pay();
    const third = await pay();
    expect((await deliveries(1))[0]?.intentId).toBe(third);
    expect(await shop.charges()).toHaveLength(3);
  });

  test('the setting can be read, and nonsense is refused', async () => {
    await shop.setFaults({ duplicate: 2, timeout: true, for_next: 7 });
    const current = await (await fetch(`${shop.sandbox.url}/_sandbox/faults`)).json();
    expect(current).toMatchObject({ duplicate: 2, deliveries_left: 7, timeouts_left: 7 });
    for (const body of ['{"drop":1}', '{"delay":5}', '{"delay_ms":-1}', '{"for_next":0}', '[]', 'drop']) {
      const response = await fetch(`${shop.sandbox.url}/_sandbox/faults`, { method: 'POST', body });
      expect([body, response.status]).toEqual([body, 400]);
    }
    expect(await (await fetch(`${shop.sandbox.url}/_sandbox/faults`)).json()).toEqual(current);
  });
});
