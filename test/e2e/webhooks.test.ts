/** What a provider's webhooks may do to us: come twice, in any order, early, late, never, forged, or about nothing of ours. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Buyer, eventually } from '../buyer.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest } from '../node-under-test.ts';
import { payWithCard } from '../sandbox-buyer.ts';

let node: NodeUnderTest;
let sale: OnSale;
let buyer: Buyer;

beforeAll(async () => {
  node = await startNodeUnderTest();
  sale = await node.putOnSale({ maxPerUser: 100 });
  buyer = await node.newBuyer();
});
afterEach(() => node.shop.setFaults({}));
afterAll(async () => {
  expect(await node.findings()).toEqual([]);
  await node.close();
});

const good = '4242424242424242';
const card = (clientSecret: string, number = good) => payWithCard(node.shop.sandbox.url, clientSecret, number);
const hold = () => buyer.hold({ event_id: sale.eventId, zone_id: sale.zoneId, quantity: 1 });

/** A hold with a live payment. */
async function paying() {
  const bookingId = await hold();
  const { client_secret } = (await buyer.pay(bookingId)).data;
  return { bookingId, clientSecret: client_secret, intentId: client_secret.split('_secret_')[0] ?? '' };
}

const metrics = async () => (await fetch(`${node.url()}/metrics`)).text();
const storedNotices = async () => (await node.database.query('select 1 from webhook_events')).rowCount ?? 0;
const deadLettersOf = async (key: string) =>
  (await node.database.query('select consumer, error, attempts from dead_letters where key = $1', [key])).rows;

/** Every notice that was stored by now has reached whom it concerns, or become a dead letter. */
const allTold = () =>
  eventually(async () => {
    const text = 'select 1 from outbox where published_at is null';
    expect((await node.database.query(text)).rowCount).toBe(0);
  });

async function expectOneSale(bookingId: string): Promise<void> {
  await buyer.sees(bookingId, 'confirmed');
  await allTold();
  expect(await node.chargesOf(bookingId)).toMatchObject([{ amount: 150_000, refunded: 0 }]);
  const story = (await buyer.timeline(bookingId)).map(({ what }) => what);
  for (const once of ['payment-succeeded', 'booking-confirmed', 'tickets-issued'])
    expect(story.filter((what) => what === once)).toEqual([once]);
  expect(await buyer.tickets(bookingId)).toHaveLength(1);
}

describe('a webhook that comes', () => {
  it('five times at once counts once', async () => {
    const { bookingId, clientSecret } = await paying();
    await node.shop.setFaults({ duplicate: 4 });
    await card(clientSecret);
    await expectOneSale(bookingId);
  });

  it('again under other ids, and after the booking is done, changes nothing', async () => {
    const { bookingId, clientSecret, intentId } = await paying();
    await card(clientSecret);
    await expectOneSale(bookingId);
    const again = Array.from({ length: 5 }, () => node.forge({ intentId, bookingId }));
    const failed = node.forge({ intentId, bookingId, type: 'payment_intent.payment_failed' });
    const cancelled = node.forge({ intentId, bookingId, type: 'payment_intent.canceled' });
    expect(await Promise.all([...again, failed, cancelled])).toEqual(Array(7).fill(200));
    await expectOneSale(bookingId);
    expect(await deadLettersOf(bookingId)).toEqual([]);
  });

  it('after the one that was sent later ends in the same sale', async () => {
    const { bookingId, clientSecret } = await paying();
    await node.shop.setFaults({ reorder: true });
    await card(clientSecret, '4000000000009995');
    await card(clientSecret);
    await expectOneSale(bookingId);
  });

  it('with a signature that is not the provider’s is not stored, and comes again with the right one', async () => {
    const { bookingId, clientSecret, intentId } = await paying();
    const before = await storedNotices();
    for (const signedWith of ['whsec_guessed', '']) {
      expect(await node.forge({ intentId, bookingId, signedWith })).toBe(401);
    }
    expect(await storedNotices()).toBe(before);
    expect((await buyer.booking(bookingId)).data.status).toBe('reserved');
    await node.shop.setFaults({ bad_signature: true });
    await card(clientSecret);
    await expectOneSale(bookingId);
  });

  it('never is made up for by confirm', async () => {
    const { bookingId, clientSecret } = await paying();
    await node.shop.setFaults({ drop: true, for_next: 2 });
    await card(clientSecret);
    expect((await buyer.confirm(bookingId)).status).toBe(200);
    await expectOneSale(bookingId);
  });

  it('while it cannot be stored is not acknowledged, and so comes again', async () => {
    const { bookingId, clientSecret, intentId } = await paying();
    await node.database.query('alter table webhook_events rename to away');
    expect(await node.forge({ intentId, bookingId })).toBeGreaterThanOrEqual(500);
    await card(clientSecret);
    expect((await buyer.booking(bookingId)).data.status).toBe('reserved');
    await node.database.query('alter table away rename to webhook_events');
    await expectOneSale(bookingId);
  });

  it('to a provider that we do not have is not found', async () => {
    const response = await fetch(`${node.url()}/api/v1/webhooks/cash`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(404);
  });
});

describe('a webhook before our own word', () => {
  it('waits until we have heard ourselves that the intent was made', async () => {
    const bookingId = await hold();
    const kept = node.line.keepAnswer(/^\/v1\/payment_intents$/);
    const asked = buyer.pay(bookingId);
    const { text, cut } = await kept;
    await card(JSON.parse(text).client_secret);
    await expect.poll(metrics).toMatch(/^outbox_deliveries_total{result="retried"} [1-9]/m);
    cut();
    // The payment may have been made before the asker hears of it: then there is nothing left to pay.
    expect([201, 409]).toContain((await asked).status);
    await expectOneSale(bookingId);
    expect(await deadLettersOf(bookingId)).toEqual([]);
  });

  it('and answers that get lost while the intent is opened make one intent', async () => {
    const bookingId = await hold();
    const lost = node.line.cutAnswers(/^\/v1\/payment_intents$/, 3);
    const { data } = await buyer.pay(bookingId);
    const intents = (await lost).map((answer) => JSON.parse(answer).client_secret);
    expect(new Set(intents)).toEqual(new Set([data.client_secret]));
    await card(data.client_secret);
    await expectOneSale(bookingId);
  });
});

describe('a signed webhook that is not true', () => {
  it('of another amount confirms nothing that was not paid, and an operator sees it', async () => {
    const { bookingId, intentId } = await paying();
    expect(await node.forge({ intentId, bookingId, amountMinor: 1 })).toBe(200);
    await allTold();
    expect(await deadLettersOf(bookingId)).toMatchObject([
      { consumer: 'booking-saga', error: expect.stringContaining('another amount') },
    ]);
    expect((await buyer.booking(bookingId)).data.status).toBe('reserved');
    expect((await buyer.confirm(bookingId)).error.code).toBe('INVALID_STATE');
  });

  it('of another amount does not hide what was really paid', async () => {
    const { bookingId, clientSecret, intentId } = await paying();
    await node.shop.setFaults({ drop: true, for_next: 2 });
    await card(clientSecret);
    await node.forge({ intentId, bookingId, amountMinor: 1 });
    await expectOneSale(bookingId);
  });

  it('of another booking’s intent moves neither', async () => {
    const [mine, other] = [await paying(), await paying()];
    await node.forge({ intentId: other.intentId, bookingId: mine.bookingId });
    await allTold();
    expect(await deadLettersOf(mine.bookingId)).toHaveLength(1);
    for (const { bookingId } of [mine, other]) expect((await buyer.booking(bookingId)).data.status).toBe('reserved');
  });

  it.each([
    ['a booking that nobody made', randomUUID()],
    ['a booking id that is none', "'; drop table bookings --"],
  ])('of %s becomes a dead letter, and the others flow', async (_, bookingId) => {
    expect(await node.forge({ intentId: 'pi_unknown', bookingId })).toBe(200);
    await allTold();
    expect(await deadLettersOf(bookingId)).toMatchObject([{ consumer: 'booking-saga' }]);
  });

  it('without a booking, or of a kind we do not act on, is stored and told to nobody', async () => {
    const before = await storedNotices();
    expect(await node.forge({ intentId: 'pi_of_another_shop', bookingId: null })).toBe(200);
    expect(await node.forge({ intentId: 'pi_1', bookingId: randomUUID(), type: 'charge.updated' })).toBe(200);
    expect(await storedNotices()).toBe(before + 2);
    const { rows } = await node.database.query('select 1 from outbox where published_at is null');
    expect(rows).toEqual([]);
  });
});
