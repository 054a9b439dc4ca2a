/** Paying: from a hold to tickets that a scanner accepts, and every card that does not pay. */
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Buyer, eventually, type PaymentShown } from '../buyer.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest } from '../node-under-test.ts';
import { answerChallenge, payWithCard } from '../sandbox-buyer.ts';

let node: NodeUnderTest;
let sale: OnSale;
let buyer: Buyer;

beforeAll(async () => {
  node = await startNodeUnderTest({ HOLD_TTL_SECONDS: '60', PAYMENT_GRACE_SECONDS: '120' });
  sale = await node.putOnSale({ seats: 1_000, maxPerUser: 1_000 });
  buyer = await node.newBuyer();
});
afterEach(() => node.shop.setFaults({}));
afterAll(async () => {
  expect(await node.findings()).toEqual([]);
  await node.close();
});

const good = '4242424242424242';
const order = (quantity = 1, { eventId, zoneId } = sale) => ({ event_id: eventId, zone_id: zoneId, quantity });
const card = (clientSecret: string, number: string) => payWithCard(node.shop.sandbox.url, clientSecret, number);

/** A hold with a live payment. */
async function paying(quantity = 1): Promise<PaymentShown> {
  const payment = await buyer.pay(await buyer.hold(order(quantity)));
  expect(payment.status, payment.text).toBe(201);
  return payment.data;
}

describe('a payment', () => {
  it('is what a browser needs to pay, and nothing more', async () => {
    const bookingId = await buyer.hold(order(2));
    const payment = await buyer.pay(bookingId);
    expect(JSON.parse(payment.text)).toEqual({
      success: true,
      data: {
        payment_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        booking_id: bookingId,
        provider: 'stripe',
        client_secret: expect.stringMatching(/^pi_\w+_secret_\w+$/),
        card_url: expect.stringMatching(/^http:\/\/127.0.0.1:\d+\/v1\/payment_intents\/pi_[0-9a-f]+\/confirm$/),
        amount: 300_000,
        currency: 'THB',
        status: 'pending',
      },
    });
    const { payment_id, client_secret } = payment.data;
    const shown = await buyer.ask<Record<string, unknown>>(`/payments/${payment_id}`);
    expect(shown.data).toMatchObject({ payment_id, booking_id: bookingId, amount: 300_000, status: 'pending' });
    expect(shown.text).not.toContain(client_secret);
  });

  it.each([
    ['twice', 2],
    ['twenty times at the same instant', 20],
  ])('asked for %s is one, and is charged once', async (_, times) => {
    const bookingId = await buyer.hold(order());
    // On a busy machine some may be told to come again, which must make no second payment either.
    const untilAnswered = () =>
      eventually(async () => {
        const answer = await buyer.pay(bookingId);
        expect(answer.status, answer.text).not.toBe(503);
        return answer;
      });
    const answers = await Promise.all(Array.from({ length: times }, untilAnswered));
    const different = new Set(answers.map(({ status, text }) => `${status} ${text}`));
    expect([...different]).toEqual([expect.stringMatching(/^201 /)]);
    const [payment] = answers;
    await card(payment?.data.client_secret ?? '', good);
    await buyer.sees(bookingId, 'confirmed');
    expect(await node.chargesOf(bookingId)).toMatchObject([{ amount: 150_000, refunded: 0 }]);
  });

  it('of nobody’s booking, with an unknown provider or an amount of the client’s own is refused', async () => {
    const booking_id = await buyer.hold(order());
    for (const body of [{}, { booking_id, provider: 'cash' }, { booking_id, amount: 1 }, { booking_id: 'x' }]) {
      expect((await buyer.post('/payments', body)).status).toBe(400);
    }
  });

  it('with a way back that cannot be written down is refused before anything begins', async () => {
    const bookingId = await buyer.hold(order());
    const refused = await buyer.pay(bookingId, { return_url: 'https://shop.test/thanks\0' });
    expect([refused.status, refused.error.code]).toEqual([400, 'VALIDATION_ERROR']);
    expect((await buyer.pay(bookingId)).status).toBe(201);
  });

  it('extends the hold once, to the grace from then', async () => {
    const held = await buyer.reserve(order(), 'extended once');
    const { booking_id } = held.data;
    const before = Date.now();
    await buyer.pay(booking_id);
    const extended = Date.parse((await buyer.booking(booking_id)).data.expires_at);
    expect(extended - before).toBeGreaterThanOrEqual(119_000);
    expect(extended - Date.now()).toBeLessThanOrEqual(120_000);
    await buyer.pay(booking_id);
    expect(Date.parse((await buyer.booking(booking_id)).data.expires_at)).toBe(extended);
    expect((await buyer.reserve(order(), 'extended once')).text).toBe(held.text);
  });
});

describe('a card that pays', () => {
  it('confirms the booking, and gives a ticket a seat that anybody can check', async () => {
    const { booking_id, client_secret, payment_id } = await paying(3);
    expect((await card(client_secret, good)).intentStatus).toBe('succeeded');
    await buyer.sees(booking_id, 'confirmed');
    await expect.poll(async () => (await buyer.tickets(booking_id)).length).toBe(3);
    const tickets = await buyer.tickets(booking_id);
    expect(tickets.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(new Set(tickets.map(({ code }) => code)).size).toBe(3);
    expect((await buyer.ask(`/payments/${payment_id}`)).data).toMatchObject({ status: 'succeeded' });

    const jwks = (await (await fetch(`${node.url()}/.well-known/jwks.json`)).json()) as JSONWebKeySet;
    expect(JSON.stringify(jwks)).not.toContain('"d"');
    for (const { qr, code, number, zone_id } of tickets) {
      const { payload, protectedHeader } = await compactVerify(qr, createLocalJWKSet(jwks), { algorithms: ['EdDSA'] });
      expect(protectedHeader.typ).toBe('onsale-ticket+jws');
      expect(JSON.parse(Buffer.from(payload).toString())).toEqual({
        ...{ code, event_id: sale.eventId, zone_id, booking_id, number },
      });
    }
  });

  it('has its ticket drawn as a QR code', async () => {
    const { booking_id, client_secret } = await paying();
    await card(client_secret, '5555555555554444');
    await buyer.confirm(booking_id);
    const [ticket] = await buyer.tickets(booking_id);
    const drawn = await buyer.ask(ticket?.qr_svg.replace('/api/v1', '') ?? '');
    expect(drawn.headers.get('content-type')).toMatch(/^image\/svg\+xml/);
    expect(drawn.text).toMatch(/^<svg .*<path .*<\/svg>\s*$/s);
    expect((await buyer.ask('/tickets/00000000000000000000000000000000/qr.svg')).status).toBe(404);
  });

  it('is settled by confirm before any webhook, and confirm may be repeated', async () => {
    await node.shop.setFaults({ drop: true });
    const { booking_id, client_secret } = await paying();
    await card(client_secret, good);
    const answers = await Promise.all(Array.from({ length: 10 }, () => buyer.confirm(booking_id)));
    expect(new Set(answers.map(({ status, data }) => `${status} ${data.status}`))).toEqual(new Set(['200 confirmed']));
    expect((await buyer.confirm(booking_id)).data.status).toBe('confirmed');
    expect(await buyer.tickets(booking_id)).toHaveLength(1);
    expect(await node.chargesOf(booking_id)).toHaveLength(1);
  });

  it('pays once: the booking takes no other payment', async () => {
    const { booking_id, client_secret } = await paying();
    await card(client_secret, good);
    await buyer.sees(booking_id, 'confirmed');
    const refused = await buyer.pay(booking_id);
    expect([refused.status, refused.error.code]).toEqual([409, 'INVALID_STATE']);
  });
});

describe('a card that does not pay', () => {
  it.each([
    ['4000000000000002', 'generic_decline'],
    ['4000000000009995', 'insufficient_funds'],
    ['4000000000009987', 'lost_card'],
    ['4000000000000069', 'expired_card'],
  ])('%s leaves the hold as it was, for another card', async (number, decline_code) => {
    const { booking_id, client_secret } = await paying();
    expect((await card(client_secret, number)).declineCode).toBe(decline_code);
    const refused = await buyer.confirm(booking_id);
    expect([refused.status, refused.error.code]).toEqual([402, 'PAYMENT_FAILED']);
    expect(refused.error.details).toEqual({ decline_code });
    expect((await buyer.booking(booking_id)).data.status).toBe('reserved');
    expect((await buyer.pay(booking_id)).data.client_secret).toBe(client_secret);
    await card(client_secret, good);
    await buyer.sees(booking_id, 'confirmed');
    expect(await node.chargesOf(booking_id)).toHaveLength(1);
  });

  it('is told of by confirm even when its webhook was lost', async () => {
    await node.shop.setFaults({ drop: true });
    const { booking_id, client_secret } = await paying();
    await card(client_secret, '4000000000009995');
    expect((await buyer.confirm(booking_id)).error).toMatchObject({
      code: 'PAYMENT_FAILED',
      details: { decline_code: 'insufficient_funds' },
    });
  });

  it('and none at all: there is nothing to confirm yet', async () => {
    const unasked = await buyer.hold(order());
    const { booking_id } = await paying();
    for (const bookingId of [unasked, booking_id]) {
      const refused = await buyer.confirm(bookingId);
      expect([refused.status, refused.error.code]).toEqual([409, 'INVALID_STATE']);
      expect((await buyer.booking(bookingId)).data.status).toBe('reserved');
    }
  });
});

describe('a card that asks who is paying', () => {
  const challenged = async (number: string) => {
    const payment = await paying();
    const asked = await card(payment.client_secret, number);
    expect(asked.intentStatus).toBe('requires_action');
    return { ...payment, challengeUrl: asked.challengeUrl ?? '' };
  };

  it('pays when its owner approves, and not before', async () => {
    const { booking_id, challengeUrl } = await challenged('4000002500003155');
    expect((await buyer.confirm(booking_id)).error.code).toBe('INVALID_STATE');
    await answerChallenge(challengeUrl, 'approve');
    await buyer.sees(booking_id, 'confirmed');
  });

  it.each([
    ['4000002500003155', 'refuse'],
    ['4000000000003220', 'approve'],
  ] as const)('%s does not pay after %s, and another card does', async (number, decision) => {
    const { booking_id, client_secret, challengeUrl } = await challenged(number);
    await answerChallenge(challengeUrl, decision);
    const refused = await buyer.confirm(booking_id);
    expect([refused.status, refused.error.code]).toEqual([402, 'PAYMENT_FAILED']);
    await card(client_secret, good);
    await buyer.sees(booking_id, 'confirmed');
  });
});

describe('a booking that costs nothing', () => {
  it('is confirmed without a provider, with its tickets, however often it is asked', async () => {
    const free = await node.putOnSale({ priceMinor: 0 });
    const bookingId = await buyer.hold(order(2, free));
    const refused = await buyer.pay(bookingId);
    expect([refused.status, refused.error.code]).toEqual([409, 'INVALID_STATE']);
    const answers = await Promise.all(Array.from({ length: 5 }, () => buyer.confirm(bookingId)));
    expect(answers.map(({ data }) => data.status)).toEqual(answers.map(() => 'confirmed'));
    expect(await buyer.tickets(bookingId)).toHaveLength(2);
    expect(await node.chargesOf(bookingId)).toEqual([]);
  });
});
