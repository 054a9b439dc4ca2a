/** Money that comes when the hold is gone: the seats again if there are any, else the money back, once. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Buyer } from '../buyer.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest } from '../node-under-test.ts';
import { payWithCard } from '../sandbox-buyer.ts';

let node: NodeUnderTest;
let buyer: Buyer;

beforeAll(async () => {
  // Every test waits for the end of a hold, and has begun to pay before it, however busy the machine.
  node = await startNodeUnderTest({ HOLD_TTL_SECONDS: '3', PAYMENT_GRACE_SECONDS: '0.3' });
  buyer = await node.newBuyer();
});
afterEach(() => node.shop.setFaults({}));
afterAll(async () => {
  expect(await node.findings()).toEqual([]);
  await node.close();
});

const order = ({ eventId, zoneId }: OnSale, quantity: number) => ({ event_id: eventId, zone_id: zoneId, quantity });
const intentOf = (clientSecret: string) => clientSecret.split('_secret_')[0] ?? '';

interface Late {
  readonly bookingId: string;
  readonly clientSecret: string;
}

/** A booking of two seats whose payment was begun, and whose hold then ran out. */
async function expired(here: OnSale): Promise<Late> {
  const bookingId = await buyer.hold(order(here, 2));
  const { client_secret } = (await buyer.pay(bookingId)).data;
  await buyer.sees(bookingId, 'expired');
  return { bookingId, clientSecret: client_secret };
}

async function card({ clientSecret }: Late): Promise<void> {
  expect((await payWithCard(node.shop.sandbox.url, clientSecret, '4242424242424242')).intentStatus).toBe('succeeded');
}

/** Somebody else takes every seat, for good. */
async function sellOut(here: OnSale, quantity: number): Promise<void> {
  const other = await node.newBuyer();
  const bookingId = await other.hold(order(here, quantity));
  const payment = await other.pay(bookingId);
  await payWithCard(node.shop.sandbox.url, payment.data.client_secret, '4242424242424242');
  await other.sees(bookingId, 'confirmed');
}

async function counters({ zoneId }: OnSale) {
  const text = 'select available, held, sold from zones where id = $1';
  return (await node.database.query(text, [zoneId])).rows[0];
}

async function expectRefunded(late: Late, reason: string): Promise<void> {
  await buyer.sees(late.bookingId, 'refunded');
  expect(await node.chargesOf(late.bookingId)).toMatchObject([{ amount: 300_000, refunded: 300_000 }]);
  const story = await buyer.timeline(late.bookingId);
  const refunds = story.filter(({ what }) => what === 'refund-settled');
  expect(refunds.map(({ details }) => details)).toMatchObject([{ amount: 300_000, reason }]);
  expect(await buyer.tickets(late.bookingId)).toEqual([]);
}

describe('paid after the hold ran out', () => {
  it('takes the seats again when they are free', async () => {
    const here = await node.putOnSale({ seats: 2, maxPerUser: 2 });
    const late = await expired(here);
    expect(await counters(here)).toEqual({ available: 2, held: 0, sold: 0 });
    await card(late);
    await buyer.sees(late.bookingId, 'confirmed');
    expect(await counters(here)).toEqual({ available: 0, held: 0, sold: 2 });
    expect(await buyer.seatsLeft(here.eventId)).toBe(0);
    await expect.poll(async () => (await buyer.tickets(late.bookingId)).length).toBe(2);
  });

  it('is refunded when the seats were sold to somebody else', async () => {
    const here = await node.putOnSale({ seats: 2 });
    const late = await expired(here);
    await sellOut(here, 2);
    await card(late);
    await expectRefunded(late, 'sold_out');
    expect(await counters(here)).toEqual({ available: 0, held: 0, sold: 2 });
  });

  it('is refunded when the buyer has other seats up to the limit by now', async () => {
    const here = await node.putOnSale({ maxPerUser: 2 });
    const late = await expired(here);
    const other = await buyer.hold(order(here, 1));
    const payment = await buyer.pay(other);
    await payWithCard(node.shop.sandbox.url, payment.data.client_secret, '4242424242424242');
    await buyer.sees(other, 'confirmed');
    await card(late);
    await expectRefunded(late, 'max_per_user');
  });

  it('is found by confirm when no webhook told of it', async () => {
    const [here, soldOut] = [await node.putOnSale({ seats: 2 }), await node.putOnSale({ seats: 2 })];
    const [late, tooLate] = [await expired(here), await expired(soldOut)];
    await sellOut(soldOut, 2);
    await node.shop.setFaults({ drop: true, for_next: 4 });
    await card(late);
    await card(tooLate);
    expect((await buyer.confirm(late.bookingId)).data.status).toBe('confirmed');
    const refused = await buyer.confirm(tooLate.bookingId);
    expect([refused.status, refused.error.code]).toEqual([410, 'RESERVATION_EXPIRED']);
    expect(refused.error.details).toEqual({ refund: 'sold_out' });
    await expectRefunded(tooLate, 'sold_out');
  });

  it('is found by the reconciler when no webhook told of it and nobody asks', async () => {
    const late = await expired(await node.putOnSale({ seats: 2 }));
    await node.shop.setFaults({ drop: true, for_next: 2 });
    await card(late);
    await node.stop();
    await node.start();
    await buyer.sees(late.bookingId, 'confirmed');
  });

  it('is refunded once although the provider’s answers to the refund get lost', async () => {
    const here = await node.putOnSale({ seats: 2 });
    const late = await expired(here);
    await sellOut(here, 2);
    const lost = node.line.cutAnswers(/^\/v1\/refunds/, 3);
    await card(late);
    expect(new Set((await lost).map((answer) => JSON.parse(answer).id)).size).toBe(1);
    await expectRefunded(late, 'sold_out');
  });

  it('twice told is confirmed once', async () => {
    const here = await node.putOnSale({ seats: 4 });
    const late = await expired(here);
    await node.shop.setFaults({ duplicate: 4 });
    await card(late);
    const again = { intentId: intentOf(late.clientSecret), bookingId: late.bookingId, amountMinor: 300_000 };
    await Promise.all(Array.from({ length: 5 }, () => node.forge(again)));
    await buyer.sees(late.bookingId, 'confirmed');
    expect(await counters(here)).toEqual({ available: 2, held: 0, sold: 2 });
  });
});

it('paid when it was given back is refunded, although seats are free', async () => {
  const here = await node.putOnSale({ seats: 10 });
  const bookingId = await buyer.hold(order(here, 2));
  const { client_secret } = (await buyer.pay(bookingId)).data;
  const late = { bookingId, clientSecret: client_secret };
  // The buyer gives the seats back before any webhook has told of the money.
  await node.shop.setFaults({ drop: true, for_next: 2 });
  await card(late);
  await buyer.cancel(bookingId);
  await expectRefunded(late, 'booking_cancelled');
  expect(await counters(here)).toEqual({ available: 10, held: 0, sold: 0 });
});

it('cannot be paid any more once it was given back', async () => {
  const here = await node.putOnSale({ seats: 10 });
  const bookingId = await buyer.hold(order(here, 2));
  const { payment_id, client_secret } = (await buyer.pay(bookingId)).data;
  await buyer.cancel(bookingId);
  await expect
    .poll(async () => (await buyer.ask<{ status: string }>(`/payments/${payment_id}`)).data.status)
    .toBe('cancelled');
  expect((await payWithCard(node.shop.sandbox.url, client_secret, '4242424242424242')).status).toBe(400);
  expect(await node.chargesOf(bookingId)).toEqual([]);
});

describe('a payment that was begun', () => {
  it('is not handed out again once the hold is gone', async () => {
    const here = await node.putOnSale();
    const late = await expired(here);
    const given = await buyer.hold(order(here, 1));
    await buyer.pay(given);
    await buyer.cancel(given);
    const [overdue, givenBack] = [await buyer.pay(late.bookingId), await buyer.pay(given)];
    expect([overdue.status, overdue.error.code]).toEqual([410, 'RESERVATION_EXPIRED']);
    expect([givenBack.status, givenBack.error.code]).toEqual([409, 'INVALID_STATE']);
  });

  it('and declined cannot be confirmed once the hold is gone: not for want of money, but of seats', async () => {
    const here = await node.putOnSale();
    const bookingId = await buyer.hold(order(here, 1));
    const { client_secret } = (await buyer.pay(bookingId)).data;
    await payWithCard(node.shop.sandbox.url, client_secret, '4000000000000002');
    await buyer.sees(bookingId, 'expired');
    const refused = await buyer.confirm(bookingId);
    expect([refused.status, refused.error.code]).toEqual([410, 'RESERVATION_EXPIRED']);
  });
});
