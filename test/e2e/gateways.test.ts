/** Buying at providers where the buyer pays on their own page, through a whole node. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Buyer, eventually } from '../buyer.ts';
import { decideAt } from '../gateway-buyer.ts';
import { forgeCallback, type Gateway, wordsOf } from '../gateway-forger.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest } from '../node-under-test.ts';

let node: NodeUnderTest;
let sale: OnSale;
let buyer: Buyer;

beforeAll(async () => {
  node = await startNodeUnderTest({ CORS_ORIGINS: 'https://shop.test' });
  sale = await node.putOnSale({ maxPerUser: 100, currency: 'VND' });
  buyer = await node.newBuyer();
});
afterEach(() => node.shop.setFaults({}));
afterAll(async () => {
  expect(await node.findings()).toEqual([]);
  await node.close();
});

const price = 150_000;
const hold = () => buyer.hold({ event_id: sale.eventId, zone_id: sale.zoneId, quantity: 1 });
const intentOf = async (bookingId: string): Promise<string> => {
  const text = 'select intent_id from payments where booking_id = $1 order by created_at desc, id desc limit 1';
  return (await node.database.query(text, [bookingId])).rows[0]?.intent_id;
};
const deadLettersOf = async (key: string) =>
  (await node.database.query('select error from dead_letters where key = $1', [key])).rows;
const allTold = () =>
  eventually(async () => {
    const text = 'select 1 from outbox where published_at is null';
    expect((await node.database.query(text)).rowCount).toBe(0);
  });
const follow = (address: string) => fetch(address, { redirect: 'manual' });

async function expectOneSale(bookingId: string): Promise<void> {
  await buyer.sees(bookingId, 'confirmed');
  await eventually(async () => expect(await buyer.tickets(bookingId)).toHaveLength(1));
  await allTold();
  expect(await node.chargesOf(bookingId)).toMatchObject([{ amount: price, refunded: 0 }]);
  const story = (await buyer.timeline(bookingId)).map(({ what }) => what);
  for (const once of ['payment-succeeded', 'booking-confirmed', 'tickets-issued'])
    expect(story.filter((what) => what === once)).toEqual([once]);
  expect(await buyer.tickets(bookingId)).toHaveLength(1);
}

describe.each(['vnpay', 'zalopay', 'payos'] as const)('%s', (provider: Gateway) => {
  const words = wordsOf[provider];
  const forge = (callback: Parameters<typeof forgeCallback>[2]) => forgeCallback(node.url(), provider, callback);
  async function paying(more: object = {}) {
    const bookingId = await hold();
    const payment = (await buyer.pay(bookingId, { provider, ...more })).data;
    return { bookingId, payment, page: payment.redirect_url, intentId: await intentOf(bookingId) };
  }

  it('sells: a page, a callback, a ticket', async () => {
    const { bookingId, payment, page } = await paying();
    expect(payment).toMatchObject({ provider, amount: price, currency: 'VND', status: 'pending' });
    expect(payment.client_secret).toBeUndefined();
    await decideAt(page, 'approve');
    await expectOneSale(bookingId);
  });

  it('answers the same page while that payment lives', async () => {
    const { bookingId, payment } = await paying();
    const again = await Promise.all([1, 2, 3].map(() => buyer.pay(bookingId, { provider })));
    for (const { data } of again) expect(data).toEqual(payment);
  });

  it('a callback ten times at once counts once', async () => {
    const { bookingId, page } = await paying();
    await node.shop.setFaults({ duplicate: 9 });
    await decideAt(page, 'approve');
    await expectOneSale(bookingId);
    const intentId = await intentOf(bookingId);
    const late = await forge({ intentId, bookingId, amountMinor: price, paymentNo: 77_002 });
    expect(late).toMatchObject({ status: 200, body: words.stored });
    const again = await forge({ intentId, bookingId, amountMinor: price, paymentNo: 77_002 });
    expect(again).toMatchObject({ status: 200, body: words.repeated });
    await expectOneSale(bookingId);
  });

  it('a callback that never comes is made up for by the return, which only asks', async () => {
    const { bookingId, page } = await paying();
    await node.shop.setFaults({ drop: true });
    const back = await follow(await decideAt(page, 'approve'));
    expect([back.status, await back.json()]).toMatchObject([200, { data: { booking_id: bookingId } }]);
    await expectOneSale(bookingId);
  });

  it('a return before anything was paid confirms nothing', async () => {
    const { bookingId, page, intentId } = await paying();
    const back = await decideAt(page, 'refuse');
    const forged = new URL(back);
    for (const [name, value] of [
      ['status', 'PAID'],
      ['cancel', 'false'],
    ] as const)
      if (provider === 'payos') forged.searchParams.set(name, value);
    expect((await follow(forged.href)).status).toBe(200);
    await eventually(async () => {
      const { rows } = await node.database.query('select status from payments where intent_id = $1', [intentId]);
      expect(rows).toEqual([{ status: 'cancelled' }]);
    });
    expect((await buyer.booking(bookingId)).data.status).toBe('reserved');
  });

  it('a refused page ends that order, and the next payment opens another', async () => {
    const { bookingId, page } = await paying();
    await follow(await decideAt(page, 'refuse'));
    const next = await eventually(async () => {
      const { data } = await buyer.pay(bookingId, { provider });
      expect(data.redirect_url).not.toBe(page);
      return data.redirect_url;
    });
    await decideAt(next, 'approve');
    await expectOneSale(bookingId);
  });

  it('sends the buyer on to the shop, and to nowhere else', async () => {
    const refused = await buyer.pay(await hold(), { provider, return_url: 'https://evil.test/thanks' });
    expect([refused.status, refused.error.details]).toMatchObject([400, { return_url: expect.any(String) }]);
    const { bookingId, payment, page } = await paying({ return_url: 'https://shop.test/thanks?lang=vi' });
    const back = await follow(await decideAt(page, 'approve'));
    const next = `https://shop.test/thanks?lang=vi&payment_id=${payment.payment_id}&booking_id=${bookingId}`;
    expect([back.status, back.headers.get('location')]).toEqual([303, next]);
    await expectOneSale(bookingId);
  });

  it('does not believe a callback that it did not sign, or that is another merchant’s', async () => {
    const { bookingId, intentId } = await paying();
    const about = { intentId, bookingId, amountMinor: price };
    expect((await forge({ ...about, key: 'guessed' })).body).toMatchObject(words.unsigned ?? {});
    expect((await forge({ ...about, key: '' })).body).toMatchObject(words.unsigned ?? {});
    expect((await forge({ ...about, merchant: '4711' })).body).toMatchObject(words.otherMerchant ?? {});
    await allTold();
    expect((await buyer.booking(bookingId)).data.status).toBe('reserved');
  });

  it('does not believe a signed callback of another amount, and an operator sees it', async () => {
    const { bookingId, intentId, page } = await paying();
    expect((await forge({ intentId, bookingId, amountMinor: 1 })).body).toMatchObject(words.amount ?? {});
    await allTold();
    expect(await deadLettersOf(bookingId)).toMatchObject([{ error: expect.stringContaining('another amount') }]);
    expect((await buyer.booking(bookingId)).data.status).toBe('reserved');
    await decideAt(page, 'approve');
    await expectOneSale(bookingId);
  });

  it('keeps a signed callback of an order that nobody knows, and tells nobody', async () => {
    const text = 'select 1 from webhook_events where provider = $1 and not told';
    const before = (await node.database.query(text, [provider])).rowCount ?? 0;
    const answer = await forge({ intentId: '4711', bookingId: '', amountMinor: price });
    expect(answer).toMatchObject({ status: 200, body: words.unknown });
    expect((await node.database.query(text, [provider])).rowCount).toBe(before + 1);
  });

  it('makes a dead letter of a signed callback about a booking that never ordered', async () => {
    if (provider === 'payos') return; // Its callbacks name no booking.
    const bookingId = randomUUID();
    await forge({ intentId: '4712', bookingId, amountMinor: price });
    await allTold();
    expect(await deadLettersOf(bookingId)).toHaveLength(1);
  });

  it('takes no money of a currency that is not its own', async () => {
    const baht = await node.putOnSale({ currency: 'THB' });
    const bookingId = await buyer.hold({ event_id: baht.eventId, zone_id: baht.zoneId, quantity: 1 });
    const refused = await buyer.pay(bookingId, { provider });
    expect([refused.status, refused.error.details]).toEqual([400, { provider: 'takes no THB' }]);
  });
});

describe('a callback before our own word', () => {
  const orders = {
    zalopay: { path: /\/v2\/create$/, page: (text: string) => JSON.parse(text).order_url },
    payos: { path: /\/v2\/payment-requests$/, page: (text: string) => JSON.parse(text).data.checkoutUrl },
  };

  it.each(['zalopay', 'payos'] as const)(
    'of %s waits until we have heard ourselves that there is an order',
    async (provider) => {
      const bookingId = await hold();
      const kept = node.line.keepAnswer(orders[provider].path);
      const asked = buyer.pay(bookingId, { provider });
      const { text, letThrough } = await kept;
      await decideAt(orders[provider].page(text), 'approve');
      await eventually(async () => {
        const { rowCount } = await node.database.query(
          `select 1 from webhook_events where provider = $1 and convert_from(payload, 'utf8') like '%' || $2 || '%'`,
          [provider, provider === 'payos' ? `${JSON.parse(text).data.orderCode}` : bookingId],
        );
        expect(rowCount).toBe(1);
      });
      letThrough();
      expect([201, 409]).toContain((await asked).status);
      // PayOS names no booking, so its callback was told to nobody until it comes again.
      if (provider === 'payos') await sendAgain(bookingId);
      await expectOneSale(bookingId);
    },
  );
});

/** The callback of the one charge of a booking, once more. */
async function sendAgain(bookingId: string): Promise<void> {
  const [charge] = (await node.shop.charges()).filter((each) => each.booking_id === bookingId);
  const paymentNo = Number(charge?.charge_id.split(':')[1]);
  const intentId = charge?.payment_intent ?? '';
  await forgeCallback(node.url(), 'payos', { intentId, bookingId, amountMinor: price, paymentNo });
}

describe('a forged return', () => {
  it.each(['vnpay', 'zalopay'])('of %s is refused', async (provider) => {
    const response = await fetch(`${node.url()}/api/v1/payments/return/${provider}?vnp_TxnRef=1&apptransid=1`);
    expect(response.status).toBe(401);
  });

  it.each(['payos?orderCode=4711', 'cash?x=1'])('to %s finds nothing', async (path) => {
    expect((await fetch(`${node.url()}/api/v1/payments/return/${path}`)).status).toBe(404);
  });
});
