/** The contract of a waiting room's ledger (room-ledger.ts beside this file), in memory and over a real PostgreSQL. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Checkout } from '../../engine/room-ledger.ts';
import { MemoryRoomLedger } from '../../persistence/memory/room-ledger.ts';
import { AnswerLost, type Lane, openLane } from '../../persistence/postgres/lane.ts';
import { createRoomLedger } from '../../persistence/postgres/room-ledger.ts';
import { type Cut, openStoreLine, type StoreLine } from '../store-line.ts';
import { openDatabase } from '../stores.ts';
import { insertZone } from './catalogue.ts';
import { newId } from './event-sample.ts';
import { terms } from './ledger-bench.ts';
import { describeRoomLedger, entriesAfter, joinOf, type RoomLedgerUnderTest } from './room-ledger.ts';

const hourMs = 3_600_000;

describeRoomLedger('memory', async () => {
  const stock = {
    saleStartMs: 0,
    saleEndMs: Date.now() + hourMs,
    available: 40,
    held: 2,
    zones: [{ zoneId: newId(), available: 40 }],
  };
  const ledger = new MemoryRoomLedger(newId(), { mode: 'open', stock });
  return {
    ...{ eventId: ledger.eventId, stock, ledger, rival: ledger },
    book: async (checkout) => void ledger.bookings.push(checkout),
  };
});

let database: Awaited<ReturnType<typeof openDatabase>>;
let pool: pg.Pool;
let line: StoreLine;
let lanes: readonly [Lane, Lane];

beforeAll(async () => {
  database = await openDatabase();
  line = await openStoreLine(database.url);
  pool = new pg.Pool({ connectionString: database.url, max: 2 });
  const options = { statementTimeoutMs: 10_000, connectTimeoutMs: 10_000 };
  lanes = [
    openLane({ ...options, databaseUrl: line.url, name: 'an owner' }),
    openLane({ ...options, databaseUrl: database.url, name: 'another owner' }),
  ];
});
afterAll(async () => {
  for (const lane of lanes) await lane.close();
  await pool.end();
  await line.close();
  await database.drop();
});

async function openInPostgres(): Promise<RoomLedgerUnderTest> {
  const [eventId, zoneId] = [newId(), newId()];
  await insertZone(pool, { eventId, zoneId, capacity: 50, ...terms });
  await pool.query('update zones set available = 40, held = 2, sold = 8 where id = $1', [zoneId]);
  await pool.query(`update event_configs set waiting_room = 'open' where event_id = $1`, [eventId]);
  const saleEndMs = Math.floor(Date.now()) + hourMs;
  await pool.query(
    'update shows set sale_start_at = to_timestamp(0), sale_end_at = to_timestamp($2 / 1000.0) where event_id = $1',
    [eventId, saleEndMs],
  );
  const [ledger, rival] = lanes.map((lane) => createRoomLedger({ lane, pool, now: Date.now }));
  if (!ledger || !rival) throw new Error('two owners need two lanes');
  return {
    ...{ eventId, ledger, rival },
    stock: { saleStartMs: 0, saleEndMs, available: 40, held: 2, zones: [{ zoneId, available: 40 }] },
    book: (checkout) => insertBooking(eventId, zoneId, checkout),
  };
}

async function insertBooking(eventId: string, zoneId: string, checkout: Checkout): Promise<void> {
  const { bookingId, userId, quantity, createdAtMs, status, key } = checkout;
  await pool.query(
    `insert into bookings (event_id, id, zone_id, user_id, idempotency_key, fingerprint, quantity, amount_minor,
                           currency, status, created_at, expires_at)
     values ($1, $2, $3, $4, decode($8, 'hex'), '', $5, 1, 'THB', $6, to_timestamp($7 / 1000.0), now())`,
    [eventId, bookingId, zoneId, userId, quantity, status, createdAtMs, key],
  );
}

describeRoomLedger('PostgreSQL', openInPostgres);

describe('PostgreSQL: a batch whose answer was lost', () => {
  const cuts: readonly Cut[] = ['before', 'after', 'middle'];

  it.each(cuts)('is in the log or not, as the next owner finds it, when the line is cut %s', async (when) => {
    const { eventId, ledger, rival } = await openInPostgres();
    const owner = await ledger.acquire(eventId);
    if (!owner) throw new Error('no such event');
    const entries = entriesAfter([], [joinOf(1), joinOf(2)]);
    const cut = line.cutNext('append_queue_log', when);
    const batch = { lease: owner.lease, afterSeq: 0, entries, mode: null, accessCodes: null };
    await expect(ledger.append(batch)).rejects.toThrow(AnswerLost);
    await cut;
    const next = await rival.acquire(eventId);
    const found = await rival.read(eventId, 0, 10);
    expect(found).toEqual(when === 'before' ? [] : entries);
    // Whatever is still on its way comes too late.
    expect(await ledger.append(batch)).toBe('stale');
    expect(await rival.read(eventId, 0, 10)).toEqual(found);
    expect(next?.lease.epoch).toBe(2);
  });
});
