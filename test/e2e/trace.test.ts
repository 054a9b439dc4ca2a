/** The trace of a request, from its header to every event that it leads to; and headers that name none, which nobody minds. */
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DomainEvent } from '../../engine/events.ts';
import { type Answer, type BookingShown, type Buyer, eventually, type PaymentShown } from '../buyer.ts';
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

const newTrace = () => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;

function ask<T>(path: string, traceparent: string, body: object = {}): Promise<Answer<T>> {
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID(), traceparent };
  return buyer.ask<T>(path, { method: 'POST', headers, body: JSON.stringify(body) });
}

const reserve = (traceparent: string) =>
  ask<BookingShown>('/bookings/reserve', traceparent, { event_id: sale.eventId, zone_id: sale.zoneId, quantity: 1 });

/** What was told of a booking: event type to trace, in the order of writing. */
async function told(bookingId: string): Promise<Record<string, string | undefined>> {
  const { rows } = await node.database.query('select events from outbox order by seq');
  const events = rows.flatMap((row) => JSON.parse(row.events) as DomainEvent[]);
  return Object.fromEntries(
    events.filter(({ subject }) => subject === bookingId).map(({ type, traceparent }) => [type, traceparent]),
  );
}

async function bought(trace: { readonly reserve: string; readonly pay: string }): Promise<string> {
  const { booking_id } = (await reserve(trace.reserve)).data;
  const { client_secret } = (await ask<PaymentShown>('/payments', trace.pay, { booking_id })).data;
  await payWithCard(node.shop.sandbox.url, client_secret, '4242424242424242');
  await buyer.sees(booking_id, 'confirmed');
  await eventually(async () => expect(await told(booking_id)).toHaveProperty(['saga.notification.send']));
  return booking_id;
}

describe('the trace of a request', () => {
  it('is in every event of the booking, webhook and saga included, and in those of giving it back', async () => {
    const trace = { reserve: newTrace(), pay: newTrace() };
    const bookingId = await bought(trace);
    const givenBack = newTrace();
    expect((await ask(`/bookings/${bookingId}/cancel`, givenBack)).status).toBe(200);
    await eventually(async () => expect(await told(bookingId)).toHaveProperty(['payment.refunded']));
    expect(await told(bookingId)).toEqual({
      'booking.created': trace.reserve,
      'payment.created': trace.pay,
      'payment.success': trace.pay,
      'saga.booking.confirm': trace.pay,
      'booking.confirmed': trace.pay,
      'saga.notification.send': trace.pay,
      'booking.refunded': givenBack,
      'payment.refunded': givenBack,
    });
  });

  it('is in the event of a hold that is given up', async () => {
    const { booking_id } = (await reserve(newTrace())).data;
    const trace = newTrace();
    await ask(`/bookings/${booking_id}/cancel`, trace);
    expect(await told(booking_id)).toMatchObject({ 'booking.cancelled': trace });
  });

  it.each([
    '',
    'nonsense',
    `ff-${newTrace().slice(3)}`,
    `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
    'x'.repeat(5_000),
  ])('is nobody’s concern when the header names none: %s', async (header) => {
    const held = await reserve(header);
    expect(held.status, held.text).toBe(201);
    expect(await told(held.data.booking_id)).toEqual({ 'booking.created': undefined });
  });
});
