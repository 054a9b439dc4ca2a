/** Giving back what was bought: by the policy to who bought, at will by who organizes. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signAccessToken } from '../../http/auth.ts';
import { type Buyer, buyerWith, eventually } from '../buyer.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest, tokenSecret } from '../node-under-test.ts';
import { payWithCard } from '../sandbox-buyer.ts';

let node: NodeUnderTest;
let buyer: Buyer;

beforeAll(async () => {
  node = await startNodeUnderTest();
  buyer = await node.newBuyer();
});
afterAll(async () => {
  expect(await node.findings()).toEqual([]);
  await node.close();
});

interface Bought {
  readonly bookingId: string;
  readonly paymentId: string;
}

interface RefundShown {
  readonly amount: number;
  readonly withheld: number;
  readonly booking_ends: boolean;
}

/** Two seats for 300 000, paid and with their tickets. */
async function bought(here: OnSale): Promise<Bought> {
  const bookingId = await buyer.hold({ event_id: here.eventId, zone_id: here.zoneId, quantity: 2 });
  const { payment_id, client_secret } = (await buyer.pay(bookingId)).data;
  await payWithCard(node.shop.sandbox.url, client_secret, '4242424242424242');
  await eventually(async () => expect(await buyer.tickets(bookingId)).toHaveLength(2));
  return { bookingId, paymentId: payment_id };
}

const showIn = ({ eventId }: OnSale, days: number) =>
  node.database.query(`update shows set starts_at = now() + make_interval(days => $2) where event_id = $1`, [
    eventId,
    days,
  ]);

async function organizerOf({ eventId }: OnSale, role: 'organizer' | 'admin' = 'organizer'): Promise<Buyer> {
  const id = randomUUID();
  await node.database.query(
    `insert into users (id, tenant_id, email, name, role, password_hash)
     select $1::uuid, tenant_id, $1::text || '@e2e.test', 'O', $3, 'x' from events where id = $2`,
    [id, eventId, role],
  );
  const user = { id, role, tokenId: randomUUID() };
  const token = await signAccessToken(tokenSecret, user, { nowMs: Date.now(), ttlSeconds: 900 });
  return buyerWith(node.url, { userId: id, token });
}

const counters = async ({ zoneId }: OnSale) =>
  (await node.database.query('select available, held, sold from zones where id = $1', [zoneId])).rows[0];

const refund = (who: Buyer, { paymentId }: Bought, body: object, key: string = randomUUID()) =>
  who.ask<RefundShown>(`/payments/${paymentId}/refund`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
    body: JSON.stringify(body),
  });

const refunded = (bookingId: string, amount: number) =>
  eventually(async () =>
    expect(await node.chargesOf(bookingId)).toMatchObject([{ amount: 300_000, refunded: amount }]),
  );

describe('a buyer who gives a confirmed booking back', () => {
  it.each([
    [30, 300_000],
    [5, 150_000],
    [1, 0],
  ])('%i days before the show gets %i of 300 000, and the seats are free at once', async (days, amount) => {
    const here = await node.putOnSale({ seats: 2, maxPerUser: 2 });
    await showIn(here, days);
    const booking = await bought(here);
    const [ticket] = await buyer.tickets(booking.bookingId);
    const answer = await buyer.cancel(booking.bookingId);
    expect(answer.data, answer.text).toMatchObject({ status: 'refunded', refund_amount: amount });
    expect(await counters(here)).toEqual({ available: 2, held: 0, sold: 0 });
    expect(await buyer.tickets(booking.bookingId)).toEqual([]);
    expect((await buyer.ask(`/tickets/${ticket?.code}/qr.svg`)).status).toBe(404);
    await refunded(booking.bookingId, amount);
    // The places are the buyer's to use again.
    await buyer.hold({ event_id: here.eventId, zone_id: here.zoneId, quantity: 2 });
  });

  it('twice, twenty times at once, or by either way gets the money once', async () => {
    const here = await node.putOnSale();
    const booking = await bought(here);
    const ways = Array.from({ length: 20 }, (_, i) =>
      i % 2 ? buyer.cancel(booking.bookingId) : refund(buyer, booking, {}),
    );
    const answers = await Promise.all<{ readonly status: number }>(ways);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await buyer.cancel(booking.bookingId)).status).toBe(200);
    await refunded(booking.bookingId, 300_000);
    expect(await counters(here)).toEqual({ available: 100, held: 0, sold: 0 });
  });

  it('gets everything when the event was called off, whenever that is', async () => {
    const here = await node.putOnSale();
    const booking = await bought(here);
    await showIn(here, 1);
    await node.database.query(`update events set status = 'cancelled' where id = $1`, [here.eventId]);
    expect((await refund(buyer, booking, {})).data).toMatchObject({ amount: 300_000, withheld: 0, booking_ends: true });
    await refunded(booking.bookingId, 300_000);
  });

  it('cannot choose the amount, nor give back what is somebody else’s', async () => {
    const booking = await bought(await node.putOnSale());
    expect((await refund(buyer, booking, { amount: 1 })).error.code).toBe('FORBIDDEN');
    const stranger = await node.newBuyer();
    expect((await refund(stranger, booking, {})).status).toBe(404);
    expect((await stranger.cancel(booking.bookingId)).status).toBe(404);
  });

  it('that was free has nothing to pay back, and frees the seats', async () => {
    const here = await node.putOnSale({ priceMinor: 0 });
    const bookingId = await buyer.hold({ event_id: here.eventId, zone_id: here.zoneId, quantity: 2 });
    expect((await buyer.confirm(bookingId)).data.status).toBe('confirmed');
    expect((await buyer.cancel(bookingId)).data).toMatchObject({ status: 'refunded', refund_amount: 0 });
    expect(await counters(here)).toEqual({ available: 100, held: 0, sold: 0 });
  });

  it('is heard although the provider’s answers to the refund get lost', async () => {
    const booking = await bought(await node.putOnSale());
    const lost = node.line.cutAnswers(/^\/v1\/refunds/, 2);
    expect((await buyer.cancel(booking.bookingId)).data.status).toBe('refunded');
    await lost;
    await refunded(booking.bookingId, 300_000);
  });
});

describe('who organizes', () => {
  it('returns parts of the money: the booking stays, until all of it is back', async () => {
    const here = await node.putOnSale();
    const [booking, organizer] = [await bought(here), await organizerOf(here)];
    expect((await refund(organizer, booking, { amount: 100_000 }, 'one')).data).toMatchObject({ booking_ends: false });
    await refunded(booking.bookingId, 100_000);
    expect((await buyer.booking(booking.bookingId)).data.status).toBe('confirmed');
    expect(await buyer.tickets(booking.bookingId)).toHaveLength(2);
    const tooMuch = await refund(organizer, booking, { amount: 200_001 });
    expect([tooMuch.status, tooMuch.error.code]).toEqual([400, 'VALIDATION_ERROR']);
    expect((await refund(organizer, booking, {})).data).toMatchObject({ amount: 200_000, booking_ends: true });
    await refunded(booking.bookingId, 300_000);
    expect((await buyer.booking(booking.bookingId)).data.status).toBe('refunded');
    expect(await counters(here)).toEqual({ available: 100, held: 0, sold: 0 });
  });

  it('asks twice with one key and refunds once', async () => {
    const here = await node.putOnSale();
    const [booking, admin] = [await bought(here), await organizerOf(here, 'admin')];
    const answers = await Promise.all([1, 2, 3].map(() => refund(admin, booking, { amount: 50_000 }, 'same')));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect((await refund(admin, booking, { amount: 60_000 }, 'same')).error.code).toBe('IDEMPOTENCY_MISMATCH');
    await refunded(booking.bookingId, 50_000);
  });

  it('another event has no say', async () => {
    const [here, elsewhere] = [await node.putOnSale(), await node.putOnSale()];
    const [booking, stranger] = [await bought(here), await organizerOf(elsewhere)];
    expect((await refund(stranger, booking, { amount: 1 })).status).toBe(404);
  });
});

describe('a payment', () => {
  it('cannot be begun again after success, nor after the money went back: one charge', async () => {
    const booking = await bought(await node.putOnSale());
    expect((await buyer.pay(booking.bookingId)).error.code).toBe('INVALID_STATE');
    await buyer.cancel(booking.bookingId);
    await refunded(booking.bookingId, 300_000);
    expect((await buyer.pay(booking.bookingId)).error.code).toBe('INVALID_STATE');
  });
});
