/** The event log of a whole node: what it tells of a booking, and what becomes of an event that nobody can use. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DomainEvent } from '../../engine/events.ts';
import { type Buyer, eventually } from '../buyer.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest } from '../node-under-test.ts';
import { payWithCard } from '../sandbox-buyer.ts';

let node: NodeUnderTest;
let sale: OnSale;
let buyer: Buyer;

beforeAll(async () => {
  node = await startNodeUnderTest();
  sale = await node.putOnSale({ maxPerUser: 1_000 });
  buyer = await node.newBuyer();
});
afterAll(async () => {
  expect(await node.findings()).toEqual([]);
  await node.close();
});

const good = '4242424242424242';
const hold = () => buyer.hold({ event_id: sale.eventId, zone_id: sale.zoneId, quantity: 1 });

/** Everything that was told, in the order of writing. */
async function told(): Promise<DomainEvent[]> {
  const { rows } = await node.database.query('select events from outbox order by seq');
  return rows.flatMap((row) => JSON.parse(row.events));
}

async function pay(bookingId: string, ...cards: readonly string[]): Promise<void> {
  const { client_secret } = (await buyer.pay(bookingId)).data;
  for (const number of cards) await payWithCard(node.shop.sandbox.url, client_secret, number);
}

it('tells every change of a booking once, in order', async () => {
  const [bought, given, refunded] = [await hold(), await hold(), await hold()];
  await pay(bought, '4000000000000002', good);
  await buyer.cancel(given);
  await pay(refunded, good);
  await Promise.all([buyer.sees(bought, 'confirmed'), buyer.sees(refunded, 'confirmed')]);
  await buyer.cancel(refunded);
  await eventually(async () => expect((await told()).map(({ type }) => type)).toContain('payment.refunded'));

  const events = await told();
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  const storyOf = (bookingId: string, topic: string) =>
    events.filter(({ subject, type }) => subject === bookingId && type.startsWith(topic)).map(({ type }) => type);
  expect(storyOf(bought, 'booking.')).toEqual(['booking.created', 'booking.confirmed']);
  expect(storyOf(given, 'booking.')).toEqual(['booking.created', 'booking.cancelled']);
  expect(storyOf(refunded, 'booking.')).toEqual(['booking.created', 'booking.confirmed', 'booking.refunded']);
  expect(storyOf(refunded, 'payment.')).toEqual(['payment.created', 'payment.success', 'payment.refunded']);
  // A decline and a success may arrive in either order; the intent was made before both.
  expect(storyOf(bought, 'payment.')[0]).toBe('payment.created');
  expect(storyOf(bought, 'payment.').sort()).toEqual(['payment.created', 'payment.failed', 'payment.success']);
  expect(storyOf(given, 'payment.')).toEqual([]);
});

it('tells it in one envelope, without what would let somebody pay', async () => {
  const bookingId = await hold();
  await pay(bookingId, good);
  await buyer.sees(bookingId, 'confirmed');
  const events = (await told()).filter(({ subject }) => subject === bookingId);
  expect(events.map(({ type }) => type)).toContain('payment.success');
  for (const event of events) {
    expect(event).toEqual({
      id: expect.stringContaining(':'),
      type: expect.stringMatching(/^(booking|payment|saga)\.[a-z.]+$/),
      source: 'onsale',
      subject: bookingId,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      data: expect.objectContaining({ event_id: sale.eventId }),
    });
  }
  expect(JSON.stringify(events)).not.toContain('_secret_');
});

it('parks what nobody can use, and everybody else’s payments flow past it', async () => {
  const poison = { id: `poison:${randomUUID()}`, type: 'payment.success', subject: randomUUID(), data: null };
  await node.database.query(`insert into outbox (topic, events) values ('payment-events', $1)`, [
    JSON.stringify([poison]),
  ]);
  const bookingIds = await Promise.all(Array.from({ length: 5 }, hold));
  await Promise.all(bookingIds.map((bookingId) => pay(bookingId, good)));
  await Promise.all(bookingIds.map((bookingId) => buyer.sees(bookingId, 'confirmed')));
  const parked = () =>
    node.database.query('select consumer, event, attempts, resolved_at from dead_letters where key = $1', [
      poison.subject,
    ]);
  expect((await parked()).rows).toEqual([]);
  await eventually(async () => expect((await parked()).rows).toHaveLength(1));
  const [letter] = (await parked()).rows;
  expect(letter).toMatchObject({ consumer: 'booking-saga', attempts: 6, resolved_at: null });
  expect(JSON.parse(letter.event)).toEqual(poison);
});
