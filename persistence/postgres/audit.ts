/**
 * The facts of an audit, read from the truth: sums and stories over rows of bookings, never the counters that are being
 * checked. Everything is read in one frozen view, so that it fits together while sales go on.
 *
 * It judges nothing (engine/audit.ts does). Money is read in audit-money.ts. `eventId` null means every event.
 */
import pg from 'pg';
import type { AckedBooking, RepeatedKey, StoredBooking, Story, UserSeats, ZoneFacts } from '../../engine/audit.ts';
import type { SharedZone, TruthFacts } from '../../engine/audit-gate.ts';
import type { Hold } from '../../engine/zone.ts';
import { chunks } from './cursor.ts';

type Scope = string | null;

/** Suspects of one kind that are read at most: more of the same tells nobody more. */
const suspectsMax = 1_000;

/** Runs `work` in one repeatable-read, read-only transaction on a connection of its own, without time limits. */
export async function inSnapshot<T>(databaseUrl: string, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'onsale audit',
    connectionTimeoutMillis: 5_000,
  });
  client.on('error', () => {}); // the query that is under way rejects
  await client.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    // The sums and sorts run over every booking; the default would spill each of them to disk.
    await client.query(`set local work_mem = '128MB'`);
    const result = await work(client);
    await client.query('commit');
    return result;
  } finally {
    await client.end();
  }
}

// ---- P1

/** Every zone, and every zone that bookings name. */
export async function readZones(client: pg.ClientBase, eventId: Scope): Promise<readonly ZoneFacts[]> {
  const text = `
    with sums as (
      select zone_id, event_id,
             coalesce(sum(quantity) filter (where status = 'reserved'), 0) as held,
             coalesce(sum(quantity) filter (where status = 'confirmed'), 0) as sold
      from bookings where $1::uuid is null or event_id = $1 group by event_id, zone_id
    )
    select coalesce(z.id, s.zone_id) as id, z.name, z.capacity, z.available, z.held, z.sold, z.blocked,
           coalesce(s.held, 0) as real_held, coalesce(s.sold, 0) as real_sold
    from (select * from zones where $1::uuid is null or event_id = $1) z
    full join sums s on s.event_id = z.event_id and s.zone_id = z.id
    order by z.event_id, z.sort_order, z.id`;
  const { rows } = await client.query(text, [eventId]);
  return rows.map((row) => ({
    zoneId: row.id,
    name: row.name ?? '?',
    row:
      row.capacity === null
        ? null
        : { capacity: row.capacity, available: row.available, held: row.held, sold: row.sold, blocked: row.blocked },
    held: Number(row.real_held),
    sold: Number(row.real_sold),
  }));
}

/** Reserved bookings whose time ran out more than `graceSeconds` ago. */
export async function readOverdueHolds(
  client: pg.ClientBase,
  eventId: Scope,
  graceSeconds: number,
): Promise<readonly { readonly bookingId: string; readonly zoneId: string; readonly expiredAt: string }[]> {
  const text = `
    select id, zone_id, expires_at from bookings
    where status = 'reserved' and expires_at < now() - make_interval(secs => $2) and ($1::uuid is null or event_id = $1)
    order by expires_at limit ${suspectsMax}`;
  const { rows } = await client.query(text, [eventId, graceSeconds]);
  return rows.map((row) => ({ bookingId: row.id, zoneId: row.zone_id, expiredAt: row.expires_at.toISOString() }));
}

/** What the gate of one event must hold when it is level with the truth. */
export async function readTruth(client: pg.ClientBase, eventId: string): Promise<TruthFacts> {
  const event = await client.query('select gate_generation from events where id = $1', [eventId]);
  const zones = await client.query('select * from zones where event_id = $1', [eventId]);
  const holdsOf = new Map<string, Map<string, Hold>>();
  const holdsSql = `
    select id, zone_id, user_id, quantity, (extract(epoch from expires_at) * 1000)::bigint as expires_at_ms
    from bookings where event_id = $1 and status = 'reserved'`;
  for await (const rows of chunks(client, holdsSql, [eventId], (row) => row)) {
    for (const row of rows) {
      const holds = holdsOf.get(row.zone_id) ?? new Map<string, Hold>();
      holdsOf.set(row.zone_id, holds);
      const { id: bookingId, user_id: userId, quantity } = row;
      holds.set(bookingId, { bookingId, userId, quantity, expiresAtMs: Number(row.expires_at_ms) });
    }
  }
  const users = new Map<string, number>();
  const usersSql = `
    select user_id, sum(quantity) as seats from bookings
    where event_id = $1 and status in ('reserved', 'confirmed') group by user_id`;
  for await (const rows of chunks(client, usersSql, [eventId], (row) => row))
    for (const row of rows) users.set(row.user_id, Number(row.seats));
  const readZone = (row: pg.QueryResultRow): SharedZone => ({
    capacity: row.capacity,
    available: row.available,
    held: row.held,
    sold: row.sold,
    blocked: row.blocked,
    epoch: Number(row.owner_epoch),
    version: Number(row.version),
    holds: holdsOf.get(row.id) ?? new Map(),
  });
  const generation = Number(event.rows[0]?.gate_generation ?? 0);
  return { eventId, generation, zones: new Map(zones.rows.map((row) => [row.id, readZone(row)])), users };
}

/** The events that have zones, with them. */
export async function readEvents(
  client: pg.ClientBase,
  eventId: Scope,
): Promise<readonly { readonly eventId: string; readonly zoneIds: readonly string[] }[]> {
  const text = `
    select event_id, array_agg(id)::text[] as zone_ids from zones
    where $1::uuid is null or event_id = $1 group by event_id order by event_id`;
  const { rows } = await client.query(text, [eventId]);
  return rows.map((row) => ({ eventId: row.event_id, zoneIds: row.zone_ids }));
}

// ---- P2

/** The stored bookings behind `acked`, in the same order; null where there is none. */
export async function findAcked(
  client: pg.ClientBase,
  acked: readonly AckedBooking[],
): Promise<readonly (StoredBooking | null)[]> {
  const text = `
    select b.id, b.user_id, b.zone_id, b.quantity, b.status
    from unnest($1::uuid[], $2::uuid[]) with ordinality as a(event_id, id, at)
    left join bookings b on b.event_id = a.event_id and b.id = a.id
    order by a.at`;
  const { rows } = await client.query(text, [acked.map((line) => line.eventId), acked.map((line) => line.bookingId)]);
  return rows.map(
    (row) =>
      row.id && {
        bookingId: row.id,
        userId: row.user_id,
        zoneId: row.zone_id,
        quantity: row.quantity,
        status: row.status,
      },
  );
}

// ---- P4 and P6

/** How many bookings there are, and those that share user, event and key. The unique index is not trusted. */
export async function readRepeatedKeys(
  client: pg.ClientBase,
  eventId: Scope,
): Promise<{ readonly bookings: number; readonly repeated: readonly RepeatedKey[] }> {
  const count = await client.query('select count(*) from bookings where $1::uuid is null or event_id = $1', [eventId]);
  const text = `
    select user_id, event_id, array_agg(id order by created_at)::text[] as ids from bookings
    where $1::uuid is null or event_id = $1
    group by user_id, event_id, idempotency_key having count(*) > 1 limit ${suspectsMax}`;
  const { rows } = await client.query(text, [eventId]);
  const repeated = rows.map((row) => ({ userId: row.user_id, eventId: row.event_id, bookingIds: row.ids }));
  return { bookings: Number(count.rows[0].count), repeated };
}

/** How many users have seats, and those who have the most, measured by the limit of the event. */
export async function readHighestUsers(
  client: pg.ClientBase,
  eventId: Scope,
): Promise<{ readonly users: number; readonly highest: readonly UserSeats[] }> {
  const text = `
    with totals as (
      select user_id, event_id, sum(quantity) as seats from bookings
      where status in ('reserved', 'confirmed') and ($1::uuid is null or event_id = $1) group by user_id, event_id
    )
    select count(*) over () as users, t.user_id, t.event_id, t.seats, c.max_per_user
    from totals t join event_configs c on c.event_id = t.event_id
    order by t.seats - c.max_per_user desc limit ${suspectsMax}`;
  const { rows } = await client.query(text, [eventId]);
  const highest = rows.map((row) => ({
    userId: row.user_id,
    eventId: row.event_id,
    seats: Number(row.seats),
    maxPerUser: row.max_per_user,
  }));
  return { users: Number(rows[0]?.users ?? 0), highest };
}

// ---- P7

/** What was told of the bookings, gathered: bookings with the same status and the same events are one story. */
export async function readStories(client: pg.ClientBase, eventId: Scope): Promise<readonly Story[]> {
  const text = `
    with told as (
      select (e.value->>'subject')::uuid as booking_id, array_agg(e.value->>'type' order by o.seq, e.at) as types,
             bool_and(e.value->>'id' = (e.value->>'type') || ':' || (e.value->>'subject')) as well_named
      from outbox o, jsonb_array_elements(o.events::jsonb) with ordinality as e(value, at)
      where o.topic = 'booking-events' and ($1::uuid is null or e.value->'data'->>'event_id' = $1::text)
      group by 1
    )
    select b.status, coalesce(t.types, '{}') as types, coalesce(t.well_named, true) as well_named, count(*) as bookings,
           (array_agg(coalesce(b.id, t.booking_id)))[1:3]::text[] as examples
    from (select id, status from bookings where $1::uuid is null or event_id = $1) b
    full join told t on t.booking_id = b.id
    group by 1, 2, 3 order by 4 desc limit ${suspectsMax}`;
  const { rows } = await client.query(text, [eventId]);
  return rows.map((row) => ({
    status: row.status,
    types: row.types,
    wellNamed: row.well_named,
    bookings: Number(row.bookings),
    examples: row.examples,
  }));
}

/** Ids that stand in the outbox more than once. Those of bookings follow from type and booking: stories show them. */
export async function readRepeatedEvents(client: pg.ClientBase): Promise<readonly string[]> {
  const text = `
    select e.value->>'id' as id from outbox o, jsonb_array_elements(o.events::jsonb) as e(value)
    where o.topic <> 'booking-events' group by 1 having count(*) > 1 limit ${suspectsMax}`;
  return (await client.query(text)).rows.map((row) => row.id);
}

export interface Backlog {
  readonly waiting: number;
  /** Of the oldest row that was not published; 0 when none waits. */
  readonly oldestSeconds: number;
  readonly deadLetters: readonly { readonly consumer: string; readonly key: string; readonly error: string }[];
}

/** The outbox and the dead letters, of all events: their rows do not say which they belong to. */
export async function readBacklog(client: pg.ClientBase): Promise<Backlog> {
  const outbox = await client.query(`
    select count(*) as waiting, coalesce(extract(epoch from now() - min(created_at)), 0) as oldest_seconds
    from outbox where published_at is null`);
  const { rows } = await client.query(`
    select consumer, key, error from dead_letters where resolved_at is null order by created_at limit ${suspectsMax}`);
  const { waiting, oldest_seconds: oldestSeconds } = outbox.rows[0];
  return {
    waiting: Number(waiting),
    oldestSeconds: Number(oldestSeconds),
    deadLetters: rows as Backlog['deadLetters'],
  };
}

/** Confirmed bookings that have not one valid ticket a seat, and others that have any. */
export async function readTicketGaps(
  client: pg.ClientBase,
  eventId: Scope,
): Promise<readonly { readonly bookingId: string; readonly seats: number; readonly tickets: number }[]> {
  const text = `
    with issued as (
      select booking_id, count(*) as tickets from tickets where voided_at is null and ($1::uuid is null or event_id = $1) group by booking_id
    )
    select b.id, case when b.status = 'confirmed' then b.quantity else 0 end as seats, coalesce(i.tickets, 0) as tickets from bookings b left join issued i on i.booking_id = b.id
    where coalesce(i.tickets, 0) <> case when b.status = 'confirmed' then b.quantity else 0 end and ($1::uuid is null or b.event_id = $1)
    limit ${suspectsMax}`;
  const { rows } = await client.query(text, [eventId]);
  return rows.map((row) => ({ bookingId: row.id, seats: row.seats, tickets: Number(row.tickets) }));
}
