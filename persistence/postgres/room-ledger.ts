/**
 * The truth of the waiting rooms. A batch of log entries is one statement and one commit; it writes something only when
 * epoch and last entry of the room's row are those that the batch names, and then all of it or nothing.
 */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { Stock } from '../../engine/admission.ts';
import type { LoggedEntry } from '../../engine/queue-log.ts';
import type { AcquiredRoom, RoomBatch, RoomLedger } from '../../engine/room-ledger.ts';
import { queueEventsTexts } from '../queue-events.ts';
import type { Lane } from './lane.ts';

export function createRoomLedger(options: {
  readonly lane: Lane;
  readonly pool: pg.Pool;
  readonly now: () => number;
}): RoomLedger {
  const { lane, pool, now } = options;
  return {
    acquire: (eventId) => acquire(lane, eventId),
    append: (batch) => append(lane, batch),
    async read(eventId, afterSeq, max) {
      const { rows } = await pool.query<EntryRow>({
        name: 'read_queue_log',
        text: readSql,
        values: [eventId, afterSeq, max],
      });
      return rows.map(readEntry);
    },
    survey: (eventId) => survey(pool, eventId, now()),
    async checkouts(eventId, userIds) {
      const { rows } = await pool.query<CheckoutRow>({
        name: 'checkouts',
        text: checkoutsSql,
        values: [eventId, userIds],
      });
      return rows.map((row) => ({
        userId: row.user_id,
        bookingId: row.id,
        quantity: row.quantity,
        createdAtMs: Number(row.created_at_ms),
        status: row.status,
        key: row.key,
      }));
    },
    async roomsOn() {
      const text = `select event_id from event_configs where waiting_room <> 'off' order by event_id`;
      const { rows } = await pool.query<{ event_id: string }>({ name: 'rooms_on', text });
      return rows.map((row) => row.event_id);
    },
  };
}

// ---- taking over

const secretBytes = 32;

const acquireSql = `
  insert into waiting_rooms (event_id, epoch, salt, seed) select id, 1, $2, $3 from events where id = $1
  on conflict (event_id) do update set epoch = waiting_rooms.epoch + 1
  returning epoch, salt, seed, access_codes,
    coalesce((select waiting_room from event_configs c where c.event_id = $1), 'off') as mode`;

interface AcquiredRow extends pg.QueryResultRow, Pick<AcquiredRoom, 'salt' | 'seed' | 'mode'> {
  readonly epoch: string;
  readonly access_codes: readonly { readonly code_hash: string; readonly reason: string }[];
}

async function acquire(lane: Lane, eventId: string): Promise<AcquiredRoom | null> {
  const secret = () => randomBytes(secretBytes).toString('hex');
  const values = [eventId, secret(), secret()];
  const { rows } = await lane.query<AcquiredRow>({ name: 'acquire_room', text: acquireSql, values });
  const [row] = rows;
  if (!row) return null;
  const { salt, seed, mode, epoch } = row;
  const accessCodes = row.access_codes.map(({ code_hash, reason }) => ({ codeHash: code_hash, reason }));
  return { lease: { eventId, epoch: Number(epoch) }, salt, seed, mode, accessCodes };
}

// ---- the log

interface EntryRow extends pg.QueryResultRow, Pick<LoggedEntry, 'kind' | 'line' | 'place' | 'detail' | 'who' | 'hash'> {
  readonly seq: string;
  readonly at_ms: string;
  readonly user_id: string | null;
}

export const entryColumns = `
  seq, at_ms, kind, user_id, encode(who, 'hex') as who, line, place, detail, encode(hash, 'hex') as hash`;

const readSql = `
  select ${entryColumns}
  from queue_log where event_id = $1 and seq > $2 order by seq limit $3`;

export function readEntry({ seq, at_ms, kind, user_id, who, line, place, detail, hash }: EntryRow): LoggedEntry {
  return { seq: Number(seq), atMs: Number(at_ms), kind, userId: user_id, who, line, place, detail, hash };
}

const appendSql = `
  with room as (
    update waiting_rooms set last_seq = $4, access_codes = coalesce($5::jsonb, access_codes)
    where event_id = $1 and epoch = $2 and last_seq = $3
    returning event_id
  ), written as (
    insert into queue_log (event_id, seq, at_ms, kind, user_id, who, line, place, detail, hash)
    select room.event_id, e.seq, e.at_ms, e.kind, e.user_id, decode(e.who, 'hex'), e.line, e.place, e.detail,
           decode(e.hash, 'hex')
    from room, unnest($6::bigint[], $7::bigint[], $8::text[], $9::uuid[], $10::text[], $11::text[], $12::int[],
                      $13::text[], $14::text[])
      as e(seq, at_ms, kind, user_id, who, line, place, detail, hash)
  ), configured as (
    insert into event_configs (event_id, waiting_room) select event_id, $15 from room where $15::text is not null
    on conflict (event_id) do update set waiting_room = excluded.waiting_room
  ), told as (
    insert into outbox (topic, types, events)
    select t.topic, t.types, t.events
    from room, (values ('queue-events', $16::text[], $17::text), ('checkout-events', $18, $19)) as t(topic, types, events)
    where t.events is not null
  )
  select 1 from room`;

async function append(lane: Lane, batch: RoomBatch): Promise<'appended' | 'stale'> {
  const { rows } = await lane.query({ name: 'append_queue_log', text: appendSql, values: appendValues(batch) });
  return rows.length === 1 ? 'appended' : 'stale';
}

function appendValues({ lease, afterSeq, entries, mode, accessCodes }: RoomBatch): unknown[] {
  const { eventId, epoch } = lease;
  const { 'queue-events': queue, 'checkout-events': checkouts } = queueEventsTexts(eventId, entries);
  const codes = accessCodes?.map(({ codeHash, reason }) => ({ code_hash: codeHash, reason }));
  return [
    eventId,
    epoch,
    afterSeq,
    afterSeq + entries.length,
    codes ? JSON.stringify(codes) : null,
    arrayText(entries, (entry) => entry.seq),
    arrayText(entries, (entry) => entry.atMs),
    arrayText(entries, (entry) => entry.kind),
    arrayText(entries, (entry) => entry.userId),
    arrayText(entries, (entry) => entry.who),
    arrayText(entries, (entry) => entry.line),
    arrayText(entries, (entry) => entry.place),
    arrayText(entries, (entry) => quoted(entry.detail)),
    arrayText(entries, (entry) => entry.hash),
    mode,
    queue?.types,
    queue?.text,
    checkouts?.types,
    checkouts?.text,
  ];
}

/**
 * An array as PostgreSQL reads it, of values that need no quotes or have them. The driver would look at every element
 * for what to escape: with nine arrays of a thousand joins that is most of a batch's cost.
 */
function arrayText(entries: readonly LoggedEntry[], field: (entry: LoggedEntry) => string | number | null): string {
  return `{${entries.map((entry) => field(entry) ?? 'NULL').join(',')}}`;
}

function quoted(text: string): string {
  return text === '' ? '""' : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

// ---- what is on sale

/** Seats of named rows are not counted: they cannot be reserved yet. */
const surveySql = `
  select ${ms('coalesce(min(s.sale_start_at) filter (where running.is), min(s.sale_start_at))')} as sale_start_ms,
    ${ms('max(s.sale_end_at)')} as sale_end_ms,
    coalesce(sum(z.available) filter (where running.is), 0)::int as available,
    coalesce(sum(z.held) filter (where running.is), 0)::int as held,
    (select coalesce(json_agg(json_build_object('zoneId', id, 'available', available) order by id), '[]')
     from zones where event_id = $1) as zones
  from events e
  join shows s on s.event_id = e.id
  cross join lateral (select s.sale_end_at > to_timestamp($2 / 1000.0) as is) running
  left join lateral (
    select sum(available) as available, sum(held) as held from zones
    where zones.event_id = s.event_id and zones.show_id = s.id and kind = 'general'
  ) z on true
  where e.id = $1 and e.status = 'published'
  having count(*) > 0`;

function ms(column: string): string {
  return `(extract(epoch from ${column}) * 1000)::bigint`;
}

async function survey(pool: pg.Pool, eventId: string, nowMs: number): Promise<Stock | null> {
  const { rows } = await pool.query({ name: 'survey_stock', text: surveySql, values: [eventId, nowMs] });
  const [row] = rows;
  if (!row) return null;
  const { available, held, zones } = row;
  return { saleStartMs: Number(row.sale_start_ms), saleEndMs: Number(row.sale_end_ms), available, held, zones };
}

interface CheckoutRow extends pg.QueryResultRow {
  readonly user_id: string;
  readonly id: string;
  readonly quantity: number;
  readonly created_at_ms: string;
  readonly status: string;
  readonly key: string;
}

const checkoutsSql = `
  select distinct on (b.user_id) b.user_id, b.id, b.quantity, b.status, ${ms('b.created_at')} as created_at_ms,
    encode(b.idempotency_key, 'hex') as key
  from unnest($2::uuid[]) as u(id) join bookings b on b.user_id = u.id and b.event_id = $1
  order by b.user_id, b.created_at desc`;
