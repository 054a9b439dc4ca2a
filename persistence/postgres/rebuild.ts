/**
 * The truth's half of rebuilding an event's gate: one at a time per event over all nodes (an advisory lock), a short
 * transaction that raises the generation so that no batch of the old gate can commit, then a frozen view to load from.
 */
import pg from 'pg';
import type { EventSnapshot } from '../../engine/ports.ts';
import { chunks } from './cursor.ts';

export interface RebuildOptions {
  readonly databaseUrl: string;
  /**
   * Of one statement, of the wait for another's rebuild, and of a rebuild that reads nothing more: after it, PostgreSQL gives
   * the lock to the next. However large an event is, it is read in small steps.
   */
  readonly stepTimeoutMs: number;
}

/** Rejects when a step takes too long, or PostgreSQL does not answer: what was begun is worth nothing, and may begin anew. */
export async function rebuildEvent(
  options: RebuildOptions,
  eventId: string,
  isBuilt: (generation: number) => Promise<boolean>,
  load: (snapshot: EventSnapshot) => Promise<void>,
): Promise<void> {
  const client = rebuildClient(options);
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [eventId]);
    if (await isBuilt(await generationOf(client, eventId))) return;
    const generation = await raiseGeneration(client, eventId);
    await client.query('begin isolation level repeatable read read only');
    await load(await openSnapshot(client, eventId, generation));
    await client.query('commit');
  } finally {
    // Ending the session releases the lock, also after a failure in the middle. A server that is silent says no farewell.
    client.end().catch(() => {});
  }
}

function rebuildClient({ databaseUrl, stepTimeoutMs }: RebuildOptions): pg.Client {
  return new pg.Client({
    connectionString: databaseUrl,
    application_name: 'onsale rebuild',
    connectionTimeoutMillis: 2_000,
    statement_timeout: stepTimeoutMs,
    query_timeout: stepTimeoutMs + 1_000,
    // The lock must not outlive us for hours when our machine is gone: PostgreSQL hears of that late, or never.
    idle_in_transaction_session_timeout: stepTimeoutMs,
    options: `-c idle_session_timeout=${stepTimeoutMs}`,
  });
}

async function generationOf(client: pg.Client, eventId: string): Promise<number> {
  const { rows } = await client.query('select gate_generation from events where id = $1', [eventId]);
  return Number(rows[0]?.gate_generation ?? 0);
}

/** Lock order is event, then its zones by id, as everywhere. */
async function raiseGeneration(client: pg.Client, eventId: string): Promise<number> {
  await client.query('begin');
  const { rows } = await client.query(
    'update events set gate_generation = gate_generation + 1 where id = $1 returning gate_generation',
    [eventId],
  );
  const generation = Number(rows[0].gate_generation);
  await client.query('select 1 from zones where event_id = $1 order by id for update', [eventId]);
  await client.query('update zones set gate_generation = $2 where event_id = $1', [eventId, generation]);
  await client.query('commit');
  return generation;
}

async function openSnapshot(client: pg.Client, eventId: string, generation: number): Promise<EventSnapshot> {
  const { rows } = await client.query(
    'select id, capacity, available, held, sold, blocked, owner_epoch, version from zones where event_id = $1 order by id',
    [eventId],
  );
  return {
    eventId,
    generation,
    zones: rows.map((row) => ({
      zoneId: row.id,
      capacity: row.capacity,
      available: row.available,
      held: row.held,
      sold: row.sold,
      blocked: row.blocked,
      epoch: Number(row.owner_epoch),
      version: Number(row.version),
    })),
    holds: () =>
      chunks(client, holdsSql, [eventId], (row) => ({
        zoneId: row.zone_id,
        bookingId: row.id,
        userId: row.user_id,
        quantity: row.quantity,
        expiresAtMs: Number(row.expires_at_ms),
      })),
    users: () => chunks(client, usersSql, [eventId], (row) => ({ userId: row.user_id, seats: Number(row.seats) })),
    keys: () =>
      chunks(client, keysSql, [eventId], (row) => ({
        key: row.key,
        fingerprint: row.fingerprint,
        bookingId: row.id,
        createdAtMs: Number(row.created_at_ms),
      })),
  };
}

const holdsSql = `
  select zone_id, id, user_id, quantity, (extract(epoch from expires_at) * 1000)::bigint as expires_at_ms
  from bookings where event_id = $1 and status = 'reserved'`;

const usersSql = `
  select user_id, sum(quantity) as seats from bookings
  where event_id = $1 and status in ('reserved', 'confirmed') group by user_id`;

const keysSql = `
  select encode(idempotency_key, 'hex') as key, encode(fingerprint, 'hex') as fingerprint, id,
         (extract(epoch from created_at) * 1000)::bigint as created_at_ms
  from bookings where event_id = $1 and created_at > now() - interval '48 hours'`;
