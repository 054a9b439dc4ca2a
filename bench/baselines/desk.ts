/**
 * What the baselines have in common: the contract of a desk that reserves, the catalogue in memory (as Onsale has it),
 * the pool, and the rules that every one of them keeps: once per key, at most so many seats a user, committed by
 * PostgreSQL before the answer. They are other ways to do the same thing on the same tables, not lesser products: none
 * writes an outbox, expires holds or fences anybody, which is in their favour.
 */
import { hash } from 'node:crypto';
import pg from 'pg';
import { accept, type Outcome, reject } from '../../engine/outcome.ts';

export interface Wanted {
  readonly userId: string;
  readonly eventId: string;
  readonly zoneId: string;
  readonly quantity: number;
  /** The client's Idempotency-Key. */
  readonly key: string;
}

export interface Held {
  readonly bookingId: string;
  readonly eventId: string;
  readonly zoneId: string;
  readonly quantity: number;
  readonly amountMinor: number;
  readonly currency: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly replayed: boolean;
}

export interface Desk {
  /** Rejects when a store does not answer as it must: nobody knows then what became of the request. */
  reserve(wanted: Wanted): Promise<Outcome<Held>>;
  close(): Promise<void>;
}

/** What a zone's row says that a sale does not change, and what was free when the desk opened. */
export interface PricedZone {
  readonly eventId: string;
  readonly priceMinor: number;
  readonly currency: string;
  readonly maxPerUser: number;
  readonly available: number;
}

export interface DeskStores {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

/** What a desk works with. */
export interface Office {
  readonly pool: pg.Pool;
  readonly zones: ReadonlyMap<string, PricedZone>;
}

export type OpenDesk = (office: Office, stores: DeskStores) => Promise<Desk>;

const poolSize = 16;
const holdMs = 600_000;

/** Lays the table that the rule of seats per user needs, and warms the pool. */
export async function openOffice({ databaseUrl }: DeskStores): Promise<Office> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: poolSize, idleTimeoutMillis: 0 });
  pool.on('error', () => {}); // an idle connection that the server ended: the next request opens another
  await pool.query(`create table if not exists buyer_totals (
    event_id uuid not null, user_id uuid not null, seats int not null, seats_max int not null,
    primary key (event_id, user_id), constraint buyer_totals_limit check (seats <= seats_max)) with (fillfactor = 80)`);
  const { rows } = await pool.query(`select z.*, c.max_per_user from zones z join event_configs c using (event_id)`);
  const clients = await Promise.all(Array.from({ length: poolSize }, () => pool.connect()));
  for (const client of clients) client.release();
  const zones = rows.map((row): [string, PricedZone] => [
    row.id,
    {
      eventId: row.event_id,
      priceMinor: Number(row.price_minor),
      currency: row.currency,
      maxPerUser: row.max_per_user,
      available: row.available,
    },
  ]);
  return { pool, zones: new Map(zones) };
}

/** A booking to be, with everything that its row holds. */
export interface Draft extends Held {
  readonly userId: string;
  readonly keyHash: Buffer;
  readonly fingerprint: Buffer;
  readonly maxPerUser: number;
}

/** Null when there is no such zone in that event. */
export function draftOf(wanted: Wanted, { zones }: Office, bookingId: string): Draft | null {
  const { userId, eventId, zoneId, quantity, key } = wanted;
  const zone = zones.get(zoneId);
  if (!zone || zone.eventId !== eventId) return null;
  const createdAtMs = Date.now();
  return {
    ...{ bookingId, userId, eventId, zoneId, quantity, createdAtMs, replayed: false },
    ...{ currency: zone.currency, maxPerUser: zone.maxPerUser, amountMinor: quantity * zone.priceMinor },
    expiresAtMs: createdAtMs + holdMs,
    keyHash: hash('sha256', `${userId}\n${key}`, 'buffer').subarray(0, 16),
    fingerprint: hash('sha256', `${eventId}\n${zoneId}\n${quantity}`, 'buffer').subarray(0, 16),
  };
}

/** `$1` … `$11` of every statement that writes a booking. */
export const bookingColumns =
  'event_id, id, zone_id, user_id, idempotency_key, fingerprint, quantity, amount_minor, currency, created_at, expires_at, status';

export function bookingValues(draft: Draft): readonly unknown[] {
  const { eventId, bookingId, zoneId, userId, keyHash, fingerprint, quantity, amountMinor, currency } = draft;
  const times = [draft.createdAtMs, draft.expiresAtMs].map((ms) => new Date(ms).toISOString());
  return [eventId, bookingId, zoneId, userId, keyHash, fingerprint, quantity, amountMinor, currency, ...times];
}

const earlierSql = {
  name: 'earlier',
  text: 'select * from bookings where user_id = $1 and event_id = $2 and idempotency_key = $3',
};

/** What this key got before; null when it is new. */
export async function findEarlier(database: pg.Pool | pg.PoolClient, draft: Draft): Promise<Outcome<Held> | null> {
  const { rows } = await database.query({ ...earlierSql, values: [draft.userId, draft.eventId, draft.keyHash] });
  const row = rows[0];
  if (!row) return null;
  if (!draft.fingerprint.equals(row.fingerprint)) return reject('IDEMPOTENCY_MISMATCH');
  const times = { createdAtMs: row.created_at.getTime(), expiresAtMs: row.expires_at.getTime() };
  const { bookingId: _, ...asked } = draft;
  const amountMinor = Number(row.amount_minor);
  return accept({ ...asked, bookingId: row.id, amountMinor, currency: row.currency, ...times, replayed: true });
}

/** Which rule of the tables a statement ran into; null when it failed for another reason. */
export function brokenRule(error: unknown): 'once-per-key' | 'limit' | null {
  if (!(error instanceof pg.DatabaseError)) return null;
  if (error.constraint === 'bookings_once_per_key') return 'once-per-key';
  return error.constraint === 'buyer_totals_limit' ? 'limit' : null;
}
