/** The rules around every call: one effect per key, who may call what, and what is not accepted. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProviderRefused } from '../../engine/payment.ts';
import { payWithCard } from '../../test/sandbox-buyer.ts';
import { openShop, order, type Shop, secretKey } from '../../test/sandbox-shop.ts';
import type { CardIntent } from '../stripe/stripe.ts';
import { createStripeProvider } from '../stripe/stripe.ts';

const pays = '4242424242424242';

let shop: Shop;

beforeAll(async () => {
  shop = await openShop();
});

afterAll(() => shop.sandbox.stop());

async function paid(): Promise<CardIntent> {
  const intent = await shop.open();
  expect(await payWithCard(shop.sandbox.url, intent.clientSecret, pays)).toMatchObject({ intentStatus: 'succeeded' });
  return intent;
}

describe('idempotency', () => {
  test('the same key gives the same intent, also after it went on', async () => {
    const request = order();
    const first = await shop.provider.openIntent(request);
    await payWithCard(shop.sandbox.url, first.clientSecret, pays);
    expect(await shop.provider.openIntent(request)).toEqual(first);
    const again = await shop.stripe.paymentIntents.create(
      {
        amount: request.amountMinor,
        currency: 'thb',
        allowed_payment_method_types: ['card'],
        metadata: { booking_id: request.bookingId, event_id: 'e-1', payment_id: request.paymentId },
      },
      { idempotencyKey: request.idempotencyKey },
    );
    expect(again.status).toBe('requires_payment_method');
    expect(again.lastResponse.headers['idempotent-replayed']).toBe('true');
  });

  test('the same key with other parameters is an error', async () => {
    const request = order();
    await shop.provider.openIntent(request);
    await expect(shop.provider.openIntent({ ...request, amountMinor: 1 })).rejects.toThrow(ProviderRefused);
    const { intentId } = await shop.open();
    const reused = shop.stripe.paymentIntents.cancel(intentId, {}, { idempotencyKey: request.idempotencyKey });
    await expect(reused).rejects.toMatchObject({ rawType: 'idempotency_error', statusCode: 400 });
  });

  test('a refund of one key happens once', async () => {
    const { intentId } = await paid();
    const refund = { intentId, amountMinor: 100_000, idempotencyKey: `refund:${intentId}:1` };
    const first = await shop.provider.refund(refund);
    expect(await shop.provider.refund(refund)).toEqual(first);
    expect(await shop.provider.readIntent(intentId)).toMatchObject({ refundedMinor: 100_000 });
  });

  test('a refusal is stored too: the key never gets a second chance', async () => {
    const { intentId, clientSecret } = await shop.open();
    const refund = { intentId, amountMinor: 1, idempotencyKey: `refund:${intentId}:1` };
    await expect(shop.provider.refund(refund)).rejects.toThrow(ProviderRefused);
    await payWithCard(shop.sandbox.url, clientSecret, pays);
    await expect(shop.provider.refund(refund)).rejects.toThrow(ProviderRefused);
    expect(await shop.provider.refund({ ...refund, idempotencyKey: `refund:${intentId}:2` })).toHaveProperty(
      'refundId',
    );
  });

  test('a request that fails validation is not stored', async () => {
    const request = order({ amountMinor: 0 });
    await expect(shop.provider.openIntent(request)).rejects.toThrow(ProviderRefused);
    expect(await shop.provider.openIntent({ ...request, amountMinor: 1 })).toHaveProperty('intentId');
  });

  test('after 24 h the key is new', async () => {
    let nowMs = Date.now();
    const other = await openShop({ clock: { nowMs: () => nowMs, after: () => () => {} } });
    const request = order();
    const first = await other.provider.openIntent(request);
    nowMs += 24 * 60 * 60 * 1000 - 1;
    expect(await other.provider.openIntent(request)).toEqual(first);
    nowMs += 1;
    expect(await other.provider.openIntent(request)).not.toEqual(first);
    await other.sandbox.stop();
  });

  test('twenty requests of one key at once make one intent', async () => {
    const request = order();
    const intents = await Promise.all(Array.from({ length: 20 }, () => shop.provider.openIntent(request)));
    expect(new Set(intents.map(({ intentId }) => intentId)).size).toBe(1);
  });
});

describe('who may call', () => {
  test('a wrong key may do nothing', async () => {
    const stranger = createStripeProvider({
      secretKey: 'sk_test_stranger',
      webhookSecrets: [],
      apiBase: shop.sandbox.url,
      timeoutMs: 5_000,
    });
    await expect(stranger.openIntent(order())).rejects.toThrow(ProviderRefused);
    await expect(stranger.readIntent((await shop.open()).intentId)).rejects.toThrow(ProviderRefused);
  });

  test('a browser reads its own intent, without what is the merchant’s', async () => {
    const { intentId, clientSecret } = await shop.open();
    const response = await fetch(`${shop.sandbox.url}/v1/payment_intents/${intentId}?client_secret=${clientSecret}`);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    const body = (await response.json()) as object;
    expect(body).toMatchObject({ id: intentId, status: 'requires_payment_method' });
    expect(body).not.toHaveProperty('metadata');
    expect(body).not.toHaveProperty('latest_charge');
  });

  test('a browser with another secret sees what one with an unknown id sees', async () => {
    const [mine, other] = [await shop.open(), await shop.open()];
    const answers = await Promise.all(
      [mine.intentId, 'pi_unknown'].map(async (id) => {
        const response = await fetch(
          `${shop.sandbox.url}/v1/payment_intents/${id}?client_secret=${other.clientSecret}`,
        );
        return { status: response.status, body: (await response.text()).replaceAll(id, 'ID') };
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]?.status).toBe(404);
  });

  test.each(['cancel', 'refund'])('a browser may not %s', async (what) => {
    const { intentId, clientSecret } = await paid();
    const path = what === 'cancel' ? `payment_intents/${intentId}/cancel` : 'refunds';
    const body = new URLSearchParams({ client_secret: clientSecret, payment_intent: intentId });
    expect((await fetch(`${shop.sandbox.url}/v1/${path}`, { method: 'POST', body })).status).toBe(401);
  });

  test('a browser may ask first (CORS)', async () => {
    const response = await fetch(`${shop.sandbox.url}/v1/payment_intents/pi_1/confirm`, { method: 'OPTIONS' });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-methods')).toContain('POST');
  });
});

describe('bad requests', () => {
  async function post(path: string, body: string) {
    const headers = { authorization: `Bearer ${secretKey}`, 'content-type': 'application/x-www-form-urlencoded' };
    const response = await fetch(`${shop.sandbox.url}/v1/${path}`, { method: 'POST', headers, body });
    const { error } = (await response.json()) as { error: { param?: string; code?: string } };
    return { status: response.status, ...error };
  }

  test.each([
    ['currency=thb', { param: 'amount', code: 'parameter_missing' }],
    ['amount=1.5&currency=thb', { param: 'amount', code: 'parameter_invalid_integer' }],
    ['amount=-1&currency=thb', { param: 'amount', code: 'parameter_invalid_integer' }],
    ['amount=1e3&currency=thb', { param: 'amount', code: 'parameter_invalid_integer' }],
    ['amount=0&currency=thb', { param: 'amount', code: 'amount_too_small' }],
    ['amount=100000000&currency=thb', { param: 'amount', code: 'amount_too_large' }],
    ['amount=100', { param: 'currency' }],
    ['amount=100&currency=baht', { param: 'currency' }],
    ['amount=100&currency=thb&confirm=true', { param: 'confirm', code: 'parameter_unknown' }],
    ['amount=100&currency=thb&metadata[a][b]=c', { param: 'metadata[a][b]' }],
  ])('%s', async (body, error) => {
    expect(await post('payment_intents', body)).toMatchObject({ status: 400, ...error });
  });

  test('metadata named like a prototype is data', async () => {
    const metadata = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>;
    const intent = await shop.stripe.paymentIntents.create({ amount: 1, currency: 'thb', metadata });
    expect(Object.entries(intent.metadata)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });

  test('an unknown path, object and page', async () => {
    expect(await post('customers', '')).toMatchObject({ status: 404 });
    await expect(shop.provider.readIntent('pi_unknown')).rejects.toThrow(/resource_missing 404/);
    await expect(shop.stripe.refunds.retrieve('re_unknown')).rejects.toThrow(/No such refund/);
    expect((await fetch(`${shop.sandbox.url}/elsewhere`)).status).toBe(404);
  });

  test('a body larger than any request', async () => {
    expect(await post('payment_intents', 'x'.repeat(65 * 1024))).toMatchObject({ status: 413 });
  });
});
