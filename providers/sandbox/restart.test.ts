/** The sandbox keeps its word when its process dies: stop is as sudden as a kill for everything but the socket. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ProviderUnavailable } from '../../engine/payment.ts';
import { answerChallenge, payWithCard } from '../../test/sandbox-buyer.ts';
import { openShop, order, type Shop, secretKey, webhookSecret } from '../../test/sandbox-shop.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../../test/webhook-receiver.ts';
import { startSandbox } from './server.ts';

const pays = '4242424242424242';

const until = (condition: () => boolean) => vi.waitUntil(condition, { timeout: 20_000 });

let folder: string;
let receiver: WebhookReceiver;
let shop: Shop;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onsale-sandbox-'));
  receiver = await startWebhookReceiver();
  await start();
});

afterEach(async () => {
  await shop.sandbox.stop();
  await receiver.stop();
  rmSync(folder, { recursive: true });
});

async function start(webhookUrl: () => string | null = () => receiver.url): Promise<void> {
  shop = await openShop({ journalFile: join(folder, 'sandbox.jsonl'), webhookUrl });
}

async function restart(): Promise<void> {
  await shop.sandbox.stop();
  await start();
}

test('charges, refunds, intents and stored answers are as they were', async () => {
  const request = order();
  const paid = await shop.provider.openIntent(request);
  await payWithCard(shop.sandbox.url, paid.clientSecret, pays);
  const refund = { intentId: paid.intentId, amountMinor: 100_000, idempotencyKey: 'refund:1' };
  const refunded = await shop.provider.refund(refund);
  const tooMuch = { ...refund, amountMinor: 300_000, idempotencyKey: 'refund:2' };
  await expect(shop.provider.refund(tooMuch)).rejects.toThrow(/greater/);
  const before = [await shop.charges(), await shop.provider.readIntent(paid.intentId)];

  await restart();

  expect([await shop.charges(), await shop.provider.readIntent(paid.intentId)]).toEqual(before);
  expect(await shop.provider.openIntent(request)).toEqual(paid);
  expect(await shop.provider.refund(refund)).toEqual(refunded);
  await expect(shop.provider.refund(tooMuch)).rejects.toThrow(/greater/);
  expect(await shop.charges()).toEqual(before[0]);
});

test('an intent in the middle of 3-D Secure goes on', async () => {
  const { intentId, clientSecret } = await shop.open();
  const { challengeUrl = '' } = await payWithCard(shop.sandbox.url, clientSecret, '4000002500003155');
  await restart();
  await answerChallenge(new URL(new URL(challengeUrl).pathname, shop.sandbox.url).href, 'approve');
  expect(await shop.provider.readIntent(intentId)).toMatchObject({ status: 'succeeded' });
});

test('a webhook that nobody took goes out again, one that was taken does not', async () => {
  const taken = await shop.open();
  await payWithCard(shop.sandbox.url, taken.clientSecret, pays);
  const journal = join(folder, 'sandbox.jsonl');
  await until(() => readFileSync(journal, 'utf8').includes('"settled"'));
  receiver.answerWith(503);
  const refused = await shop.open();
  await payWithCard(shop.sandbox.url, refused.clientSecret, pays);
  await until(() => receiver.received.length === 2);
  receiver.answerWith(200);

  await restart();

  await until(() => receiver.received.length === 3);
  const again = receiver.received[2];
  expect(again?.intentId).toBe(refused.intentId);
  expect(again?.rawBody).toEqual(receiver.received[1]?.rawBody);
  const notice = again && shop.provider.readNotice(again.rawBody, again.signature, Date.now());
  expect(notice).toMatchObject({ ok: true, value: { kind: 'succeeded', intentId: refused.intentId } });
});

test('an answer that was lost with the process is found by its key', async () => {
  const request = order();
  await shop.setFaults({ timeout: true });
  await expect(shop.hurriedProvider.openIntent(request)).rejects.toThrow(ProviderUnavailable);
  await restart();
  const { intentId } = await shop.provider.openIntent(request);
  const page = await (await fetch(shop.sandbox.url)).text();
  expect(page.match(/pi_\w+/g)).toEqual([intentId]);
});

test('while there is no receiver, webhooks wait for one', async () => {
  let url: string | null = null;
  await shop.sandbox.stop();
  await start(() => url);
  const { clientSecret } = await shop.open();
  await payWithCard(shop.sandbox.url, clientSecret, pays);
  url = receiver.url;
  await until(() => receiver.received.length === 1);
});

test('no card number ever reaches the file', async () => {
  const { clientSecret } = await shop.open();
  await payWithCard(shop.sandbox.url, clientSecret, '4000000000000002');
  await payWithCard(shop.sandbox.url, clientSecret, '4111111111111111');
  await payWithCard(shop.sandbox.url, clientSecret, '4000002500003155');
  const journal = readFileSync(join(folder, 'sandbox.jsonl'), 'utf8');
  expect(journal).toContain('3155');
  expect(journal).not.toMatch(/4000000000000002|4111111111111111|4000002500003155/);
});

test('a port that is taken is an error', async () => {
  const second = startSandbox({
    port: shop.sandbox.port,
    journalFile: null,
    secretKey,
    webhookSecret,
    webhookUrl: () => null,
  });
  await expect(second).rejects.toThrow(/EADDRINUSE/);
});

test('a journal that has grown old is written anew, and leads to the same', async () => {
  const file = join(folder, 'sandbox.jsonl');
  const request = order();
  const paid = await shop.provider.openIntent(request);
  await payWithCard(shop.sandbox.url, paid.clientSecret, pays);
  await shop.provider.refund({ intentId: paid.intentId, amountMinor: 100_000, idempotencyKey: 'refund:1' });
  const waiting = await shop.open();
  await until(() => receiver.received.length >= 2);
  await shop.sandbox.stop();
  await start(() => null);
  // Nobody is there to hear of this one.
  await payWithCard(shop.sandbox.url, waiting.clientSecret, pays);
  const state = async () => [await shop.charges(), await shop.provider.readIntent(paid.intentId)];
  const before = await state();
  await shop.sandbox.stop();
  appendFileSync(file, '{"settled":"evt_of_another_year"}\n'.repeat(1_500));

  const heard = receiver.received.length;
  await start();
  for (const again of ['read as it was', 'written anew']) {
    if (again === 'written anew') await restart();
    expect(await state(), again).toEqual(before);
    expect(await shop.provider.openIntent(request)).toEqual(paid);
  }
  await until(() => receiver.received.length > heard);
  expect(readFileSync(file, 'utf8').split('\n').length).toBeLessThan(30);
});
