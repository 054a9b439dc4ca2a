/** What the consumers of the event log keep: each event counts once, whatever comes twice and in whichever portion. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EventConsumer } from '../../engine/event-log.ts';
import type { DomainEvent } from '../../engine/events.ts';
import { accept } from '../../engine/outcome.ts';
import { openDatabase } from '../../test/stores.ts';
import { createAnalytics } from './analytics.ts';
import { tellInventory } from './inventory-news.ts';
import { createNotifier } from './notifications.ts';
import { insertSeed } from './seed.ts';

let database: Awaited<ReturnType<typeof openDatabase>>;
let pool: pg.Pool;
let eventId: string;

beforeAll(async () => {
  database = await openDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 4 });
});
beforeEach(() => {
  eventId = randomUUID();
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function insertBooking(amountMinor = 300, createdAt = '2027-03-01T12:30:00.000Z'): Promise<string> {
  const id = randomUUID();
  await pool.query(
    `insert into bookings (event_id, id, zone_id, user_id, idempotency_key, fingerprint, quantity, amount_minor,
                           currency, status, created_at, expires_at)
     values ($1, $2, gen_random_uuid(), gen_random_uuid(), '', '', 1, $3, 'THB', 'confirmed', $4, $4)`,
    [eventId, id, amountMinor, createdAt],
  );
  return id;
}

function eventOf(type: string, bookingId: string, { time = '2027-03-01T12:30:00.000Z', data = {} } = {}): DomainEvent {
  const envelope = { id: `${type}:${bookingId}`, type, source: 'onsale' as const, subject: bookingId, time };
  return { ...envelope, data: { event_id: eventId, ...data } };
}

/** The consumers of one topic. */
const on = (topic: string, consumers: readonly EventConsumer[]) =>
  consumers.find((consumer) => consumer.topic === topic) as EventConsumer;

describe('analytics', () => {
  const bookings = () => on('booking-events', createAnalytics(pool));
  const daily = async () =>
    (await pool.query('select * from analytics_daily where event_id = $1 order by day', [eventId])).rows;

  it('counts by hour and day, with revenue and conversion', async () => {
    const [one, two] = [await insertBooking(300), await insertBooking(500)];
    for (const createdAt of ['2027-03-01T23:59:59.999Z', '2027-03-01T12:59:59.999Z']) await insertBooking(1, createdAt);
    expect(await bookings().handle([eventOf('booking.confirmed', one)])).toEqual(accept(null));
    const later = { time: '2027-03-02T00:00:00.000Z' };
    await bookings().handle([eventOf('booking.confirmed', two, later), eventOf('booking.refunded', one, later)]);
    const refund = { id: 'r', data: { amount: 300, currency: undefined } };
    await on('payment-events', createAnalytics(pool)).handle([
      eventOf('payment.refunded', one, { ...later, ...refund }),
    ]);
    const { rows } = await pool.query(
      'select hour, confirmed, refunded from analytics_hourly where event_id = $1 order by hour',
      [eventId],
    );
    expect(rows.map(({ hour, confirmed, refunded }) => [hour.toISOString(), confirmed, refunded])).toEqual([
      ['2027-03-01T12:00:00.000Z', 1, 0],
      ['2027-03-02T00:00:00.000Z', 1, 1],
    ]);
    expect(await daily()).toMatchObject([
      {
        reserved: '4',
        confirmed: '1',
        refunded: '0',
        revenue_minor: '300',
        conversion_rate: '0.2500',
        currency: 'THB',
      },
      {
        reserved: '0',
        confirmed: '1',
        refunded: '1',
        revenue_minor: '500',
        returned_minor: '300',
        conversion_rate: null,
      },
    ]);
  });

  it('counts an event once: repeated in its portion, after it, or beside it', async () => {
    const ids = await Promise.all(Array.from({ length: 50 }, () => insertBooking()));
    const events = ids.map((id) => eventOf('booking.confirmed', id));
    await bookings().handle([...events, ...events]);
    await Promise.all([bookings().handle(events.slice(10)), bookings().handle(events), bookings().handle(events)]);
    expect(await daily()).toMatchObject([{ reserved: '50', confirmed: '50' }]);
  });

  it('refuses for good what cannot be counted, and counts nothing of its portion', async () => {
    const portion = [eventOf('booking.cancelled', randomUUID()), eventOf('booking.confirmed', 'no booking')];
    expect(await bookings().handle(portion)).toMatchObject({ rejection: { code: 'VALIDATION_ERROR' } });
    expect(await daily()).toEqual([]);
  });

  it('asks for another try when its store is away', async () => {
    const away = new pg.Pool({ connectionString: 'postgres://nobody@127.0.0.1:1/none' });
    await expect(
      on('booking-events', createAnalytics(away)).handle([eventOf('booking.confirmed', randomUUID())]),
    ).rejects.toThrow();
  });
});

describe('the notifier', () => {
  it('notes once what a buyer must be told', async () => {
    const [bought, expired, refunded] = [await insertBooking(), await insertBooking(), await insertBooking()];
    const commands = on('saga-commands', createNotifier(pool));
    const bookings = on('booking-events', createNotifier(pool));
    const send = eventOf('saga.notification.send', bought, { data: { user_id: randomUUID() } });
    for (const _ of [1, 2]) {
      expect(await commands.handle([send])).toEqual(accept(null));
      await bookings.handle([eventOf('booking.expired', expired), eventOf('booking.refunded', refunded)]);
    }
    const { rows } = await pool.query(
      'select booking_id, kind, status from notifications where event_id = $1 order by kind',
      [eventId],
    );
    expect(rows).toEqual([
      { booking_id: bought, kind: 'confirmed', status: 'pending' },
      { booking_id: expired, kind: 'expired', status: 'pending' },
      { booking_id: refunded, kind: 'refunded', status: 'pending' },
    ]);
    const { rows: told } = await pool.query('select user_id from notifications where booking_id = $1', [bought]);
    expect(told).toEqual([{ user_id: send.data.user_id }]);
  });
});

describe('inventory news', () => {
  const change = (zoneId: string, available: number) =>
    pool.query('update zones set available = $2, held = capacity - $2, version = version + 1 where id = $1', [
      zoneId,
      available,
    ]);
  /** A second later, as far as the table of news knows. */
  const later = () => pool.query(`update zone_news set told_at = told_at - interval '1 second'`);
  const told = async (zoneId: string) => {
    const { rows } = await pool.query(`select events from outbox where topic = 'inventory-events' order by seq`);
    const events: DomainEvent[] = rows.flatMap((row) => JSON.parse(row.events));
    return events.filter(({ subject }) => subject === zoneId);
  };
  const tell = () => tellInventory(pool, Date.now);

  it('are told once a change, at most once a second, by however many nodes', async () => {
    const [zoneId = '', other = ''] = [randomUUID(), randomUUID()];
    const sale = { eventId, showId: randomUUID(), tenantId: randomUUID(), zoneIds: [zoneId, other], userIds: [] };
    await insertSeed(database.url, { ...sale, seatsPerZone: 10, priceMinor: 1, maxPerUser: 1, waitingRoom: 'off' });
    await tell();
    expect(await told(zoneId)).toEqual([]);
    for (const available of [7, 0, 0, 2, 5]) {
      await change(zoneId, available);
      await Promise.all([tell(), tell(), tell()]);
      await change(zoneId, available);
      await tell();
      await later();
    }
    await change(zoneId, 4);
    await Promise.all([tell(), tell()]);
    await change(zoneId, 3);
    await tell();
    const events = await told(zoneId);
    expect(events.map(({ type, data }) => [type, data.available])).toEqual([
      ['zone.availability_changed', 7],
      ['zone.sold_out', 0],
      ['zone.reopened', 2],
      ['zone.availability_changed', 5],
      ['zone.availability_changed', 4],
    ]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(5);
    expect(events[0]).toMatchObject({ data: { event_id: eventId, capacity: 10, held: 3, sold: 0, blocked: 0 } });
    await later();
    await tell();
    expect((await told(zoneId)).at(-1)).toMatchObject({ data: { available: 3 } });
    expect(await told(other)).toEqual([]);
  });
});
