/**
 * The truth of zones and bookings. A batch is one statement and one commit; it changes something only when epoch,
 * generation and version of the zone's row are those that the batch names, and then all of it or nothing.
 */
import type pg from 'pg';
import { type Booking, transitions } from '../../engine/booking.ts';
import type { Acquired, CommitAnswer, CommitBatch, ZoneLedger } from '../../engine/ports.ts';
import { eventsText } from '../batch-events.ts';
import { hashes, integers, moments, uuids } from './binary-arrays.ts';
import { type BookingRow, bookingColumns, readBooking } from './bookings.ts';
import { gather } from './gather.ts';
import { isAnswer, type Lane } from './lane.ts';
import { rebuildEvent } from './rebuild.ts';

/** Errors of PostgreSQL that mean "the batch contradicts the truth": unique and check violations, and refuse_batch's. */
const conflicts = new Set(['23505', '23514', 'ON001']);

export function createZoneLedger(options: {
  readonly laneOf: (zoneId: string) => Lane;
  readonly lane: Lane;
  readonly databaseUrl: string;
}): ZoneLedger {
  const { lane, laneOf, databaseUrl } = options;
  const find = gather(findsMax, (wanted: readonly Wanted[]) => findTogether(lane, wanted));
  return {
    acquire: (zoneId) => acquire(lane, zoneId),
    commit: (batch) => commit(laneOf(batch.lease.zoneId), batch),
    async usedKeys({ eventId, zoneId }) {
      const { rows } = await lane.query<{ prefix: string }>({
        name: 'used_keys',
        text: usedKeysSql,
        values: [eventId, zoneId],
      });
      return rows.map((row) => Number(row.prefix));
    },
    async findByKeys(eventId, uses) {
      const values = [eventId, uses.map((use) => use.userId), uses.map((use) => use.key)];
      const { rows } = await lane.query<KeyedRow>({ name: 'bookings_by_keys', text: findByKeysSql, values });
      return rows.map((row) => ({ ...readBooking(row), key: row.key, fingerprint: row.fingerprint }));
    },
    find: (eventId, bookingId) => find({ eventId, bookingId }),
    rebuild: (eventId, isBuilt, load) => rebuildEvent(databaseUrl, eventId, isBuilt, load),
  };
}

interface KeyedRow extends BookingRow {
  readonly key: string;
  readonly fingerprint: string;
}

/** Bookings of one look: sagas that move together look together. */
const findsMax = 256;

interface Wanted {
  readonly eventId: string;
  readonly bookingId: string;
}

/** Lateral, so that however little the planner knows of the table, each booking costs one look into its index. */
const findSql = `
  select w.number, b.*
  from unnest($1::uuid[], $2::uuid[]) with ordinality as w(event_id, id, number),
       lateral (select ${bookingColumns} from bookings b where b.event_id = w.event_id and b.id = w.id offset 0) b`;

async function findTogether(lane: Lane, wanted: readonly Wanted[]): Promise<readonly (Booking | null)[]> {
  const { rows } = await lane.query<BookingRow & { readonly number: string }>({
    name: 'bookings_by_id',
    text: findSql,
    values: [wanted.map(({ eventId }) => eventId), wanted.map(({ bookingId }) => bookingId)],
  });
  const found = new Map(rows.map((row) => [Number(row.number), readBooking(row)]));
  return wanted.map((_, index) => found.get(index + 1) ?? null);
}

const findByKeysSql = `
  select ${bookingColumns}, encode(b.idempotency_key, 'hex') as key, encode(b.fingerprint, 'hex') as fingerprint
  from unnest($2::uuid[], $3::text[]) as u(user_id, key)
  join bookings b on b.user_id = u.user_id and b.event_id = $1 and b.idempotency_key = decode(u.key, 'hex')`;

const usedKeysSql = `
  select (get_byte(idempotency_key, 0)::bigint << 24) + (get_byte(idempotency_key, 1) << 16)
       + (get_byte(idempotency_key, 2) << 8) + get_byte(idempotency_key, 3) as prefix
  from bookings where event_id = $1 and zone_id = $2`;

const acquireSql = `
  update zones z set owner_epoch = z.owner_epoch + 1
  from event_configs c
  where z.id = $1 and c.event_id = z.event_id
  returning z.event_id, z.owner_epoch, z.gate_generation, z.version, z.price_minor, z.currency, c.max_per_user`;

async function acquire(lane: Lane, zoneId: string): Promise<Acquired | null> {
  const { rows } = await lane.query({ name: 'acquire_zone', text: acquireSql, values: [zoneId] });
  const row = rows[0];
  if (!row) return null;
  const epoch = Number(row.owner_epoch);
  return {
    lease: { eventId: row.event_id, zoneId, epoch, generation: Number(row.gate_generation) },
    version: Number(row.version),
    previousEpoch: epoch - 1,
    terms: { priceMinor: Number(row.price_minor), currency: row.currency, maxPerUser: row.max_per_user },
  };
}

/** The rows of new bookings. Needs `zone`, the row that was found to be the batch's own. */
const made = `
    insert into bookings (event_id, id, zone_id, user_id, idempotency_key, fingerprint, quantity, amount_minor,
                          currency, status, created_at, expires_at)
    select z.event_id, m.id, z.id, m.user_id, m.key, m.fingerprint, m.quantity, m.quantity * $7::bigint, $8, 'reserved',
           $6::timestamptz, m.expires_at
    from zone z, unnest($10::uuid[], $11::uuid[], $12::bytea[], $13::bytea[], $14::int[], $15::timestamptz[])
      as m(id, user_id, key, fingerprint, quantity, expires_at)
    returning quantity`;

/*
 * A batch of nothing but reservations, which is what a sale begins with. The zone's row moves by what is asked, under
 * its version; refuse_batch undoes everything when fewer bookings were made than that.
 */
const reserveSql = `
  with zone as (
    update zones z set available = z.available - asked.seats, held = z.held + asked.seats, version = z.version + 1
    from (select coalesce(sum(quantity), 0) as seats from unnest($14::int[]) as quantity) asked
    where event_id = $1 and id = $2 and owner_epoch = $3 and gate_generation = $4 and version = $5
    returning z.event_id, z.id
  ), made as (${made}
  ), told as (
    insert into outbox (topic, types, events) select 'booking-events', '{booking.created}', $9 from zone
  )
  select case when (select count(*) from made) = cardinality($10::uuid[])
              then true else refuse_batch('the gate let through what the truth does not have') end
  from zone`;

/*
 * Any batch. The zone's row is locked and checked first; without it nothing else happens. Counters are computed from
 * the rows that really changed, by the shifts of the life cycle (engine/booking.ts), and refuse_batch undoes everything
 * when fewer rows changed than the gate let through.
 *
 * Each booking costs one look into its index and is changed where it was found; the zone's lock keeps it there. A plain
 * join was planned once while the table was small, and then read every booking of the event for each batch.
 */
const commitSql = `
  with zone as (
    select event_id, id from zones
    where event_id = $1 and id = $2 and owner_epoch = $3 and gate_generation = $4 and version = $5
    for update
  ), made as (${made}
  ), moved as (
    update bookings b
    set status = m.status::booking_status,
        expires_at = coalesce(m.expires_at, b.expires_at),
        extended_from = case when m.expires_at is null then b.extended_from else coalesce(b.extended_from, b.expires_at) end,
        changed_at = case when m.status = b.status::text then b.changed_at else $6::timestamptz end
    from (
      select found.place, m.*
      from zone z, unnest($16::uuid[], $17::text[], $18::text[], $19::int[], $20::int[], $21::int[], $22::timestamptz[])
             as m(id, allowed, status, available, held, sold, expires_at),
           lateral (
             select ctid as place from bookings
             where event_id = z.event_id and id = m.id and zone_id = z.id
               and status::text = any (string_to_array(m.allowed, ' '))
             offset 0
           ) found
    ) m
    where b.ctid = m.place
    returning m.available * b.quantity as available, m.held * b.quantity as held, m.sold * b.quantity as sold
  ), shift as (
    select (select coalesce(sum(quantity), 0) from made) as made,
           (select coalesce(sum(available), 0) from moved) as available,
           (select coalesce(sum(held), 0) from moved) as held,
           (select coalesce(sum(sold), 0) from moved) as sold
  ), done as (
    update zones
    set available = zones.available - shift.made + shift.available, held = zones.held + shift.made + shift.held,
        sold = zones.sold + shift.sold, version = zones.version + 1
    from zone, shift
    where zones.event_id = zone.event_id and zones.id = zone.id
    returning 1
  ), told as (
    insert into outbox (topic, events) select 'booking-events', $9 from done where $9 <> '[]'
  )
  select case when (select count(*) from made) = cardinality($10::uuid[])
               and (select count(*) from moved) = cardinality($16::uuid[])
              then true else refuse_batch('the gate let through what the truth does not have') end
  from done`;

async function commit(lane: Lane, batch: CommitBatch): Promise<CommitAnswer> {
  const values = reserveValues(batch);
  const statement =
    batch.moved.length === 0
      ? { name: 'reserve_batch', text: reserveSql, values }
      : { name: 'commit_batch', text: commitSql, values: [...values, ...moveValues(batch)] };
  try {
    const { rows } = await lane.query(statement);
    return rows.length === 1 ? 'committed' : 'stale';
  } catch (error) {
    if (isAnswer(error) && conflicts.has(error.code ?? '')) return 'conflict';
    throw error;
  }
}

/** $1 to $15 */
function reserveValues(batch: CommitBatch): unknown[] {
  const { lease, version, terms, nowMs, made } = batch;
  return [
    lease.eventId,
    lease.zoneId,
    lease.epoch,
    lease.generation,
    version,
    new Date(nowMs).toISOString(),
    terms.priceMinor,
    terms.currency,
    eventsText(batch),
    uuids(made.map((command) => command.bookingId)),
    uuids(made.map((command) => command.userId)),
    hashes(made.map((command) => command.key)),
    hashes(made.map((command) => command.fingerprint)),
    integers(made.map((command) => command.quantity)),
    moments(made.map((command) => command.expiresAtMs)),
  ];
}

/** $16 to $22 */
function moveValues({ moved }: CommitBatch): unknown[] {
  const rules = moved.map(({ move }) => transitions[move]);
  return [
    uuids(moved.map(({ bookingId }) => bookingId)),
    rules.map(({ from }) => from.join(' ')),
    rules.map(({ to }) => to),
    integers(rules.map(({ shift }) => shift.available)),
    integers(rules.map(({ shift }) => shift.held)),
    integers(rules.map(({ shift }) => shift.sold)),
    moved.map(({ expiresAtMs }) => (expiresAtMs === null ? null : new Date(expiresAtMs).toISOString())),
  ];
}

/** Zones whose holds will run out, so that somebody must own them. */
export async function zonesWithHolds(pool: pg.Pool): Promise<readonly string[]> {
  const { rows } = await pool.query<{ id: string }>('select id from zones where held > 0 order by id');
  return rows.map((row) => row.id);
}
