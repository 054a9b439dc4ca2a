/** Paying through the official SDK (as our adapter uses it) and through a browser that holds a client secret. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerChallenge, payWithCard } from '../../test/sandbox-buyer.ts';
import { openShop, order, type Shop } from '../../test/sandbox-shop.ts';
import type { CardIntent } from '../stripe/stripe.ts';

const pays = '4242424242424242';
const declines = '4000000000000002';
const asksThenPays = '4000002500003155';
const asksThenDeclines = '4000000000003220';

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

describe('each test card', () => {
  test.each([pays, '5555555555554444', '4242 4242 4242 4242'])('%s pays', async (number) => {
    const request = order();
    const intent = await shop.provider.openIntent(request);
    const answer = await payWithCard(shop.sandbox.url, intent.clientSecret, number);
    expect(answer).toMatchObject({ status: 200, intentStatus: 'succeeded' });
    expect(await shop.provider.readIntent(intent.intentId)).toEqual({
      ...intent,
      status: 'succeeded',
      amountMinor: 300_000,
      currency: 'THB',
      bookingId: request.bookingId,
      declineCode: null,
      refundedMinor: 0,
    });
    expect(await shop.chargesOf(intent.intentId)).toEqual([
      {
        charge_id: expect.stringMatching(/^ch_/),
        payment_intent: intent.intentId,
        booking_id: request.bookingId,
        event_id: 'e-1',
        amount: 300_000,
        currency: 'THB',
        captured_at: expect.stringMatching(/^\d{4}-.*Z$/),
        refunded: 0,
        refunds: [],
      },
    ]);
  });

  test.each([
    [declines, 'card_declined', 'generic_decline'],
    ['4000000000009995', 'card_declined', 'insufficient_funds'],
    ['4000000000009987', 'card_declined', 'lost_card'],
    ['4000000000000069', 'expired_card', 'expired_card'],
  ])('%s is declined, and another card may follow', async (number, errorCode, declineCode) => {
    const { intentId, clientSecret } = await shop.open();
    const declined = { status: 402, intentStatus: 'requires_payment_method', errorCode, declineCode };
    expect(await payWithCard(shop.sandbox.url, clientSecret, number)).toMatchObject(declined);
    expect(await shop.provider.readIntent(intentId)).toMatchObject({ status: 'processing', declineCode });
    expect(await shop.chargesOf(intentId)).toEqual([]);
    await payWithCard(shop.sandbox.url, clientSecret, pays);
    expect(await shop.provider.readIntent(intentId)).toMatchObject({ status: 'succeeded', declineCode: null });
    expect(await shop.chargesOf(intentId)).toHaveLength(1);
  });

  test('a real card number is refused and echoed nowhere', async () => {
    const { intentId, clientSecret } = await shop.open();
    const answer = await payWithCard(shop.sandbox.url, clientSecret, '4111111111111111');
    expect(answer).toMatchObject({ status: 402, errorCode: 'incorrect_number' });
    expect(JSON.stringify(answer.body)).not.toContain('4111111111111111');
    expect(await shop.provider.readIntent(intentId)).toMatchObject({ status: 'processing', declineCode: null });
  });
});

describe('3-D Secure', () => {
  async function challenged(number: string, more: Record<string, string> = {}) {
    const intent = await shop.open();
    const answer = await payWithCard(shop.sandbox.url, intent.clientSecret, number, more);
    expect(answer).toMatchObject({ status: 200, intentStatus: 'requires_action' });
    expect(await shop.chargesOf(intent.intentId)).toEqual([]);
    return { ...intent, challengeUrl: answer.challengeUrl ?? '' };
  }

  test('approved, the card pays', async () => {
    const { intentId, challengeUrl } = await challenged(asksThenPays);
    const page = await (await fetch(challengeUrl)).text();
    expect(page).toContain('THB 3,000.00'.replace(' ', '\u00a0'));
    expect(page).toContain('Approve');
    expect(await shop.provider.readIntent(intentId)).toMatchObject({ status: 'processing' });
    expect((await answerChallenge(challengeUrl, 'approve')).status).toBe(200);
    expect(await shop.provider.readIntent(intentId)).toMatchObject({ status: 'succeeded' });
  });

  test.each([
    [asksThenPays, 'refuse', 'payment_intent_authentication_failure'],
    [asksThenDeclines, 'refuse', 'payment_intent_authentication_failure'],
    [asksThenDeclines, 'approve', 'generic_decline'],
  ] as const)('%s: %s fails', async (number, decision, declineCode) => {
    const { intentId, clientSecret, challengeUrl } = await challenged(number);
    await answerChallenge(challengeUrl, decision);
    expect(await shop.provider.readIntent(intentId)).toMatchObject({ status: 'processing', declineCode });
    expect(await shop.chargesOf(intentId)).toEqual([]);
    await payWithCard(shop.sandbox.url, clientSecret, pays);
    expect(await shop.chargesOf(intentId)).toHaveLength(1);
  });

  test('the page is void once answered, overtaken by another attempt, or cancelled', async () => {
    const answered = await challenged(asksThenPays);
    await answerChallenge(answered.challengeUrl, 'approve');
    expect((await answerChallenge(answered.challengeUrl, 'approve')).status).toBe(410);
    expect(await shop.chargesOf(answered.intentId)).toHaveLength(1);

    const overtaken = await challenged(asksThenPays);
    await payWithCard(shop.sandbox.url, overtaken.clientSecret, asksThenPays);
    expect((await answerChallenge(overtaken.challengeUrl, 'approve')).status).toBe(410);

    const cancelled = await challenged(asksThenPays);
    await shop.provider.cancelIntent(cancelled.intentId);
    expect((await answerChallenge(cancelled.challengeUrl, 'approve')).status).toBe(410);
    expect(await shop.chargesOf(cancelled.intentId)).toEqual([]);
  });

  test('the buyer is sent back to where the shop said', async () => {
    const { intentId, challengeUrl } = await challenged(asksThenPays, { return_url: 'https://shop.test/done?b=1' });
    const response = await answerChallenge(challengeUrl, 'approve');
    expect(response.status).toBe(303);
    const location = new URL(response.headers.get('location') ?? '');
    expect(location.href).toContain('https://shop.test/done?b=1');
    expect(location.searchParams.get('payment_intent')).toBe(intentId);
    expect(location.searchParams.get('redirect_status')).toBe('succeeded');
  });

  test('nowhere else than to the web', async () => {
    const { clientSecret } = await shop.open();
    const answer = await payWithCard(shop.sandbox.url, clientSecret, asksThenPays, {
      return_url: 'javascript:alert(1)',
    });
    expect(answer).toMatchObject({ status: 400, errorCode: 'url_invalid' });
  });
});

describe('cancelling', () => {
  test('before payment: nobody can pay it any more', async () => {
    const { intentId, clientSecret } = await shop.open();
    expect(await shop.provider.cancelIntent(intentId)).toMatchObject({ status: 'cancelled', refundedMinor: 0 });
    expect(await shop.provider.cancelIntent(intentId)).toMatchObject({ status: 'cancelled' });
    const late = await payWithCard(shop.sandbox.url, clientSecret, pays);
    expect(late).toMatchObject({ status: 400, errorCode: 'payment_intent_unexpected_state', intentStatus: 'canceled' });
    expect(await shop.chargesOf(intentId)).toEqual([]);
  });

  test('after payment: the money was faster, and the answer says so', async () => {
    const { intentId } = await paid();
    expect(await shop.provider.cancelIntent(intentId)).toMatchObject({ status: 'succeeded', amountMinor: 300_000 });
  });

  test('a second confirm of a paid intent takes nothing', async () => {
    const { intentId, clientSecret } = await paid();
    const again = await payWithCard(shop.sandbox.url, clientSecret, pays);
    expect(again).toMatchObject({ status: 400, errorCode: 'payment_intent_unexpected_state' });
    expect(await shop.chargesOf(intentId)).toHaveLength(1);
  });
});

describe('refunds', () => {
  const refund = (intentId: string, amountMinor: number) =>
    shop.provider.refund({ intentId, amountMinor, idempotencyKey: randomUUID() });

  test('in parts up to the whole, never more', async () => {
    const { intentId } = await paid();
    const { refundId } = await refund(intentId, 100_000);
    await expect(refund(intentId, 200_001)).rejects.toThrow(/greater than unrefunded amount/);
    await refund(intentId, 200_000);
    await expect(refund(intentId, 1)).rejects.toThrow(/charge_already_refunded/);
    expect(await shop.provider.readIntent(intentId)).toMatchObject({ status: 'succeeded', refundedMinor: 300_000 });
    expect(await shop.chargesOf(intentId)).toMatchObject([
      { refunded: 300_000, refunds: [{ refund_id: refundId, amount: 100_000 }, { amount: 200_000 }] },
    ]);
    expect(await shop.stripe.refunds.retrieve(refundId)).toMatchObject({ amount: 100_000, payment_intent: intentId });
  });

  test('without an amount: all that is left', async () => {
    const { intentId } = await paid();
    await refund(intentId, 1);
    expect(await shop.stripe.refunds.create({ payment_intent: intentId })).toMatchObject({ amount: 299_999 });
  });

  test('not of what nobody paid', async () => {
    const { intentId } = await shop.open();
    await expect(refund(intentId, 1)).rejects.toThrow(/does not have a successful charge/);
  });
});

describe('reading', () => {
  test('the charges of an intent, failed ones too, newest first', async () => {
    const { intentId, clientSecret } = await shop.open();
    await payWithCard(shop.sandbox.url, clientSecret, declines);
    await payWithCard(shop.sandbox.url, clientSecret, '5555555555554444');
    const { data } = await shop.stripe.charges.list({ payment_intent: intentId });
    expect(data).toMatchObject([
      { status: 'succeeded', payment_method_details: { card: { brand: 'mastercard', last4: '4444' } } },
      { status: 'failed', failure_code: 'card_declined' },
    ]);
  });

  test('the front page shows cards and payments, as text', async () => {
    const { intentId } = await paid();
    const response = await fetch(shop.sandbox.url);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    const page = await response.text();
    expect(page).toContain(intentId);
    expect(page).toContain('4000002500003155');
  });
});
