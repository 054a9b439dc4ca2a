/** The inbox of webhooks over a real PostgreSQL: stored once, told once, and together with those that arrive together. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DomainEvent } from '../../engine/events.ts';
import type { PaymentNotice } from '../../engine/payment.ts';
import { openDatabase } from '../../test/stores.ts';
import { createWebhookInbox, type StoreNotice } from './webhook-inbox.ts';

let database: Awaited<ReturnType<typeof openDatabase>>;
let pool: pg.Pool;
let store: StoreNotice;

beforeAll(async () => {
  database = await openDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 4 });
  store = createWebhookInbox(pool);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const paid = (bookingId: string | null, providerEventId: string = randomUUID()): PaymentNotice => ({
  kind: 'succeeded',
  ...{ providerEventId, bookingId, intentId: 'pi', amountMinor: 1_000, currency: 'THB', declineCode: null },
});
const keep = (notice: PaymentNotice, rawBody = Buffer.from('{}')) =>
  store({ provider: 'stripe', notice, rawBody, receivedAtMs: 1_700_000_000_000 });

/** Subjects of the events that the outbox holds about these bookings, row by row. */
async function told(bookings: readonly string[]): Promise<readonly (readonly string[])[]> {
  const { rows } = await pool.query('select events from outbox order by seq');
  const subjects = rows.map(({ events }) => (JSON.parse(events) as DomainEvent[]).map(({ subject }) => subject));
  return subjects.map((row) => row.filter((subject) => bookings.includes(subject))).filter((row) => row.length > 0);
}
const many = (count: number) => Array.from({ length: count }, () => randomUUID());

describe('notices that arrive together', () => {
  it('are stored with one commit, and told in one row, in the order of arrival', async () => {
    const bookings = many(60);
    const kept = await Promise.all(bookings.map((bookingId) => keep(paid(bookingId, `together ${bookingId}`))));
    expect(new Set(kept)).toEqual(new Set([true]));
    const { rows } = await pool.query(
      `select count(*)::int as stored, count(distinct xmin::text)::int as commits
       from webhook_events where provider_event_id like 'together %'`,
    );
    expect(rows).toEqual([{ stored: 60, commits: 1 }]);
    expect(await told(bookings)).toEqual([bookings]);
  });

  it('and are the same count once', async () => {
    const [bookingId = '', other = ''] = many(2);
    const same = () => keep(paid(bookingId, 'five times'));
    expect(await Promise.all([same(), same(), keep(paid(other)), same(), same(), same()])).toEqual([
      ...[true, false, true, false, false, false],
    ]);
    expect((await told([bookingId])).flat()).toEqual([bookingId]);
  });

  it('do not fail with one that cannot be stored', async () => {
    const [bookingId = '', other = ''] = many(2);
    const unstorable = paid(randomUUID(), 'no text of PostgreSQL: \u0000');
    const kept = await Promise.allSettled([keep(paid(bookingId)), keep(unstorable), keep(paid(other))]);
    expect(kept.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await told([bookingId, other])).flat()).toEqual([bookingId, other]);
  });
});

it('a notice of a booking that nobody knew is told when it comes again and somebody does, also at the same time', async () => {
  const [bookingId = ''] = many(1);
  const [unknown, known] = [paid(null, 'of an order'), paid(bookingId, 'of an order')];
  expect(await Promise.all([keep(unknown), keep(known), keep(known)])).toEqual([true, true, false]);
  expect(await told([bookingId])).toEqual([[bookingId]]);
});

it('keeps the bytes as they came', async () => {
  const rawBody = Buffer.from([0, 255, 1, 10]);
  await keep(paid(randomUUID(), 'bytes'), rawBody);
  const { rows } = await pool.query(`select payload from webhook_events where provider_event_id = 'bytes'`);
  expect(rows).toEqual([{ payload: rawBody }]);
});
