/** Bookings after they were made: reading, giving back, running out, and nobody else's business. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, BookingShown, Buyer } from '../buyer.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest } from '../node-under-test.ts';
import { payWithCard } from '../sandbox-buyer.ts';

let node: NodeUnderTest;
/** The same, but its holds last a moment only. */
let hasty: NodeUnderTest;
let sale: OnSale;

beforeAll(async () => {
  node = await startNodeUnderTest();
  // Long enough for a crowd to be answered before the first hold runs out.
  hasty = await startNodeUnderTest({ HOLD_TTL_SECONDS: '2' });
  sale = await node.putOnSale({ maxPerUser: 100 });
});
afterAll(async () => {
  for (const each of [node, hasty]) {
    expect(await each.findings()).toEqual([]);
    await each.close();
  }
});

const order = (quantity = 1, { eventId, zoneId } = sale) => ({ event_id: eventId, zone_id: zoneId, quantity });

async function confirmed(buyer: Buyer, quantity: number, here: OnSale): Promise<string> {
  const bookingId = await buyer.hold(order(quantity, here));
  const payment = await buyer.pay(bookingId);
  await payWithCard(node.shop.sandbox.url, payment.data.client_secret, '4242424242424242');
  await buyer.sees(bookingId, 'confirmed');
  return bookingId;
}

async function counters(where: NodeUnderTest, { zoneId }: OnSale) {
  const text = 'select available, held, sold from zones where id = $1';
  return (await where.database.query(text, [zoneId])).rows[0];
}

describe('reading', () => {
  it('lists mine, the newest first, page by page', async () => {
    const buyer = await node.newBuyer();
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.push(await buyer.hold(order()));
    const seen: string[] = [];
    let cursor: string | null = '';
    const pages: number[] = [];
    while (cursor !== null) {
      const page: Answer<BookingShown[]> = await buyer.ask(`/bookings?limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...page.data.map((booking) => booking.booking_id));
      pages.push(page.data.length);
      cursor = page.meta.next_cursor;
    }
    expect(pages).toEqual([2, 2, 1]);
    expect(seen).toEqual(made.reverse());
  });

  it.each(['limit=0', 'limit=101', 'limit=x', 'cursor=x', 'limit=1.5'])('refuses ?%s', async (query) => {
    const buyer = await node.newBuyer();
    expect((await buyer.ask(`/bookings?${query}`)).status).toBe(400);
  });

  it('shows what can still be paid, the most urgent first', async () => {
    const buyer = await node.newBuyer();
    const here = await node.putOnSale();
    const [first, gone, second] = [
      await buyer.hold(order()),
      await buyer.hold(order()),
      await buyer.hold(order(1, here)),
    ];
    await buyer.cancel(gone);
    await confirmed(buyer, 1, here);
    const { data } = await buyer.ask<BookingShown[]>('/bookings/pending');
    expect(data.map((booking) => booking.booking_id)).toEqual([first, second]);
  });

  it('counts what I hold and own of an event', async () => {
    const buyer = await node.newBuyer();
    const here = await node.putOnSale({ maxPerUser: 6 });
    await buyer.hold(order(1, here));
    await confirmed(buyer, 2, here);
    await buyer.cancel(await buyer.hold(order(3, here)));
    const summary = await buyer.ask(`/bookings/summary?event_id=${here.eventId}`);
    expect(summary.data).toEqual({ booked_count: 3, max_allowed: 6, remaining_slots: 3 });
    expect((await buyer.ask(`/bookings/summary?event_id=${randomUUID()}`)).status).toBe(404);
    expect((await buyer.ask('/bookings/summary')).status).toBe(400);
  });

  it('tells the whole story of a booking, without what would let somebody pay or enter', async () => {
    const buyer = await node.newBuyer();
    const bookingId = await buyer.hold(order(2));
    const { client_secret } = (await buyer.pay(bookingId)).data;
    await payWithCard(node.shop.sandbox.url, client_secret, '4000000000009995');
    // A decline that is heard of after the success is no news any more.
    await expect.poll(async () => (await buyer.timeline(bookingId)).at(-1)?.what).toBe('payment-failed');
    await payWithCard(node.shop.sandbox.url, client_secret, '4242424242424242');
    await buyer.sees(bookingId, 'confirmed');
    await expect.poll(async () => (await buyer.timeline(bookingId)).at(-1)?.what).toBe('notified');
    const story = await buyer.timeline(bookingId);
    const told = [
      ...['reserved', 'payment-requested', 'intent-opened', 'payment-failed', 'payment-succeeded'],
      ...['booking-confirmed', 'confirmed', 'tickets-issued', 'notified'],
    ];
    expect(story.map(({ what }) => what).sort()).toEqual([...told].sort());
    const times = story.map(({ at }) => at);
    expect(times).toEqual([...times].sort());
    expect(story.find(({ what }) => what === 'payment-failed')?.details).toMatchObject({
      decline_code: 'insufficient_funds',
    });
    const [ticket] = await buyer.tickets(bookingId);
    expect(JSON.stringify(story)).not.toContain(client_secret);
    expect(JSON.stringify(story)).not.toContain(ticket?.code);
  });

  it('of something that is no booking id is a bad request', async () => {
    expect((await (await node.newBuyer()).booking('1%20or%201=1')).status).toBe(400);
  });
});

describe('the booking of somebody else', () => {
  it('is not there, whatever is asked of it', async () => {
    const [owner, stranger] = [await node.newBuyer(), await node.newBuyer()];
    const bookingId = await confirmed(owner, 1, sale);
    const unpaid = await owner.hold(order());
    const payment = (await owner.pay(unpaid)).data;
    const [ticket] = await owner.tickets(bookingId);
    const asked = [
      await stranger.booking(bookingId),
      await stranger.cancel(unpaid),
      await stranger.confirm(unpaid),
      await stranger.pay(unpaid),
      await stranger.ask(`/bookings/${bookingId}/timeline`),
      await stranger.ask(`/bookings/${bookingId}/tickets`),
      await stranger.ask(`/payments/${payment.payment_id}`),
      await stranger.ask(`/tickets/${ticket?.code}/qr.svg`),
    ];
    expect(asked.map(({ status, error }) => `${status} ${error.code}`)).toEqual(asked.map(() => '404 NOT_FOUND'));
    expect((await stranger.ask<BookingShown[]>('/bookings')).data).toEqual([]);
    expect((await stranger.ask<BookingShown[]>('/bookings/pending')).data).toEqual([]);
    expect((await owner.booking(unpaid)).data.status).toBe('reserved');
    const readable = [`/payments/${payment.payment_id}`, `/tickets/${ticket?.code}/qr.svg`];
    for (const path of readable) expect((await owner.ask(path)).status).toBe(200);
  });

  it('is not there either when nobody made it', async () => {
    const buyer = await node.newBuyer();
    const nobodys = randomUUID();
    const asked = [await buyer.booking(nobodys), await buyer.cancel(nobodys), await buyer.confirm(nobodys)];
    expect(asked.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect((await buyer.pay(nobodys)).status).toBe(404);
  });
});

describe('giving back', () => {
  it('frees the seats and the places of the limit at once, and may be repeated', async () => {
    const buyer = await node.newBuyer();
    const here = await node.putOnSale({ seats: 4, maxPerUser: 4 });
    const bookingId = await buyer.hold(order(4, here));
    expect((await buyer.reserve(order(1, here))).status).toBe(409);
    const first = await buyer.cancel(bookingId);
    expect([first.status, first.data.status]).toEqual([200, 'cancelled']);
    expect((await buyer.cancel(bookingId)).text).toBe(first.text);
    expect(await counters(node, here)).toEqual({ available: 4, held: 0, sold: 0 });
    expect((await buyer.reserve(order(4, here))).status).toBe(201);
  });

  it('twenty times at once frees them once', async () => {
    const buyer = await node.newBuyer();
    const here = await node.putOnSale({ seats: 4 });
    const bookingId = await buyer.hold(order(3, here));
    const answers = await Promise.all(Array.from({ length: 20 }, () => buyer.cancel(bookingId)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await counters(node, here)).toEqual({ available: 4, held: 0, sold: 0 });
  });

  it('is never what happens to a confirmed booking by itself, which counts for the limit for ever', async () => {
    const buyer = await node.newBuyer();
    const here = await node.putOnSale({ maxPerUser: 2 });
    await confirmed(buyer, 2, here);
    expect((await buyer.reserve(order(1, here))).error.code).toBe('MAX_PER_USER_EXCEEDED');
    expect(await buyer.seatsLeft(here.eventId)).toBe(0);
    expect(await counters(node, here)).toEqual({ available: 98, held: 0, sold: 2 });
  });

  it('at the same instant as confirming ends in one of the two, or in giving back what was just confirmed', async () => {
    const answeredBy: Readonly<Record<string, readonly boolean[]>> = {
      confirmed: [true, false],
      cancelled: [false, true],
      refunded: [true, true],
    };
    const here = await node.putOnSale({ priceMinor: 0, maxPerUser: 100 });
    const buyer = await node.newBuyer();
    for (let round = 0; round < 20; round++) {
      const bookingId = await buyer.hold(order(1, here));
      const [confirmation, cancellation] = await Promise.all([buyer.confirm(bookingId), buyer.cancel(bookingId)]);
      const { data } = await buyer.booking(bookingId);
      expect([confirmation.status === 200, cancellation.status === 200]).toEqual(answeredBy[data.status]);
    }
  });
});

describe('a hold that runs out', () => {
  it('returns its seats and places by itself, to be sold again', async () => {
    const [buyer, next] = [await hasty.newBuyer(), await hasty.newBuyer()];
    const here = await hasty.putOnSale({ seats: 2, maxPerUser: 2 });
    const bookingId = await buyer.hold(order(2, here));
    expect((await next.reserve(order(1, here))).error.code).toBe('INSUFFICIENT_STOCK');
    const expired = await buyer.sees(bookingId, 'expired');
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expired.expires_at));
    expect(await counters(hasty, here)).toEqual({ available: 2, held: 0, sold: 0 });
    expect(await buyer.seatsLeft(here.eventId)).toBe(2);
    expect((await next.reserve(order(2, here))).status).toBe(201);
  });

  it('cannot be given back, paid or confirmed any more', async () => {
    const buyer = await hasty.newBuyer();
    const here = await hasty.putOnSale();
    const bookingId = await buyer.hold(order(1, here));
    await buyer.sees(bookingId, 'expired');
    const asked = [await buyer.cancel(bookingId), await buyer.pay(bookingId), await buyer.confirm(bookingId)];
    expect(asked.map(({ status, error }) => `${status} ${error.code}`)).toEqual(
      asked.map(() => '410 RESERVATION_EXPIRED'),
    );
  });

  it('runs out although the node was down at its hour', async () => {
    const buyer = await hasty.newBuyer();
    const here = await hasty.putOnSale({ seats: 1 });
    const bookingId = await buyer.hold(order(1, here));
    await hasty.stop();
    await hasty.start();
    await buyer.sees(bookingId, 'expired');
    expect((await buyer.reserve(order(1, here))).status).toBe(201);
  });

  it('sells a zone again and again without losing a seat', async () => {
    const here = await hasty.putOnSale({ seats: 5 });
    const crowd = await hasty.crowd(40);
    const sold = await Promise.all(crowd.map((each) => each.reserve(order(1, here))));
    expect(sold.filter(({ status }) => status === 201)).toHaveLength(5);
    await expect.poll(() => counters(hasty, here), { timeout: 10_000 }).toEqual({ available: 5, held: 0, sold: 0 });
    const again = await Promise.all(crowd.map((each) => each.reserve(order(1, here))));
    expect(again.filter(({ status }) => status === 201)).toHaveLength(5);
  });
});
