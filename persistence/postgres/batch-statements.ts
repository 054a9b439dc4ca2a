/**
 * Batches as PostgreSQL takes them: one statement and one commit for a batch, or for the batches of several zones of one
 * event. A zone's batch changes something only when epoch, generation and version of the zone's row are those that it
 * names. Who shares a statement with whom is decided in shared-commits.ts.
 */
import { transitions } from '../../engine/booking.ts';
import type { CommitBatch } from '../../engine/ports.ts';
import { eventsText } from '../batch-events.ts';
import { bigints, hashes, integers, moments, texts, uuids } from './binary-arrays.ts';
import { isAnswer, type Lane } from './lane.ts';

/** Errors of PostgreSQL that mean "a batch contradicts the truth": unique and check violations, and refuse_batch's. */
const conflicts = new Set(['23505', '23514', 'ON001']);

/** True when nothing was done, because of at least one of the batches. */
export function isConflict(error: unknown): boolean {
  return isAnswer(error) && conflicts.has(error.code ?? '');
}

/**
 * Which of the batches were taken; the others found another epoch, generation or version, and changed nothing. Rejects
 * when one of them contradicts the truth (`isConflict`): then all are undone.
 *
 * @param batches of different zones of one event
 */
export async function commitTogether(lane: Lane, batches: readonly CommitBatch[]): Promise<readonly boolean[]> {
  const [first] = batches;
  if (first && batches.length === 1 && first.moved.length === 0) {
    const { rows } = await lane.query({ name: 'reserve_batch', text: reserveSql, values: reserveValues(first) });
    return [rows.length === 1];
  }
  const { rows } = await lane.query<{ number: number }>(
    batches.every(({ moved }) => moved.length === 0)
      ? { name: 'reserve_together', text: reserveTogetherSql, values: reserveTogetherValues(batches) }
      : { name: 'commit_batches', text: commitSql, values: commitValues(batches) },
  );
  const taken = new Set(rows.map(({ number }) => number));
  return batches.map((_, index) => taken.has(index + 1));
}

/*
 * A batch of nothing but reservations, of a zone that shares its statement with no other: the whole of a sale of one hot
 * zone, so it has a shorter way. The zone's row moves by what is asked, under its version; refuse_batch undoes everything
 * when fewer bookings were made than that.
 */
const reserveSql = `
  with zone as (
    update zones z set available = z.available - asked.seats, held = z.held + asked.seats, version = z.version + 1
    from (select coalesce(sum(quantity), 0) as seats from unnest($14::int[]) as quantity) asked
    where event_id = $1 and id = $2 and owner_epoch = $3 and gate_generation = $4 and version = $5
    returning z.event_id, z.id
  ), made as (
    insert into bookings (event_id, id, zone_id, user_id, idempotency_key, fingerprint, quantity, amount_minor,
                          currency, status, created_at, expires_at)
    select z.event_id, m.id, z.id, m.user_id, m.key, m.fingerprint, m.quantity, m.quantity * $7::bigint, $8, 'reserved',
           $6::timestamptz, m.expires_at
    from zone z, unnest($10::uuid[], $11::uuid[], $12::bytea[], $13::bytea[], $14::int[], $15::timestamptz[])
      as m(id, user_id, key, fingerprint, quantity, expires_at)
    returning quantity
  ), told as (
    insert into outbox (topic, types, events) select 'booking-events', '{booking.created}', $9 from zone
  )
  select case when (select count(*) from made) = cardinality($10::uuid[])
              then true else refuse_batch('the gate let through what the truth does not have') end
  from zone`;

/** $1 to $15 of `reserveSql` */
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
    ...columnsOf(made),
  ];
}

/*
 * The same of several zones: the whole of a sale of many. Their rows are locked first, one look into the index each and in the
 * order of their ids, as everywhere: two statements that want the same zones, one of them of an owner that was fenced, cannot
 * wait for each other. Of a zone whose row is not as its batch says nothing else happens. All tell the outside in one row.
 */
const reserveTogetherSql = `
  with zone as materialized (
    select b.*
    from (
      select *
      from unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::bigint[], $8::text[],
                  $9::int[])
             with ordinality as b(zone_id, epoch, generation, version, now, price, currency, seats, number)
      order by zone_id
    ) b, lateral (
      select from zones
      where event_id = $1 and id = b.zone_id
        and owner_epoch = b.epoch and gate_generation = b.generation and version = b.version
      for update
    ) locked
  ), counted as (
    update zones set available = available - z.seats, held = held + z.seats, version = zones.version + 1
    from zone z where event_id = $1 and id = z.zone_id
  ), made as (
    insert into bookings (event_id, id, zone_id, user_id, idempotency_key, fingerprint, quantity, amount_minor,
                          currency, status, created_at, expires_at)
    select $1, m.id, z.zone_id, m.user_id, m.key, m.fingerprint, m.quantity, m.quantity * z.price, z.currency,
           'reserved', z.now, m.expires_at
    from unnest($11::int[], $12::uuid[], $13::uuid[], $14::bytea[], $15::bytea[], $16::int[], $17::timestamptz[])
           as m(number, id, user_id, key, fingerprint, quantity, expires_at)
    join zone z on z.number = m.number
  ), told as (
    insert into outbox (topic, types, events)
    select 'booking-events', '{booking.created}', '[' || string_agg(e.events, ',') || ']'
    from unnest($10::text[]) with ordinality as e(events, number) join zone z on z.number = e.number
    having count(*) > 0
  )
  select number::int from zone`;

/** $1 to $17 of `reserveTogetherSql` */
function reserveTogetherValues(batches: readonly CommitBatch[]): unknown[] {
  return [
    ...zoneValues(batches),
    integers(batches.map(({ made }) => made.reduce((seats, { quantity }) => seats + quantity, 0))),
    texts(batches.map((batch) => eventsText(batch).slice(1, -1))),
    ...madeValues(batches),
  ];
}

/*
 * Any batches, of one zone or several, locked in the order of their ids. Counters are computed from the rows that really
 * changed, by the shifts of the life cycle (engine/booking.ts), and refuse_batch undoes everything when fewer rows changed
 * than the gate let through.
 *
 * Each booking costs one look into its index and is changed where it was found; the zone's lock keeps it there. A plain
 * join was planned once while the table was small, and then read every booking of the event for each batch.
 */
const commitSql = `
  with zone as materialized (
    select z.event_id, z.id, b.*
    from unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::bigint[], $8::text[],
                $9::text[], $10::int[], $11::int[])
           with ordinality as b(zone_id, epoch, generation, version, now, price, currency, events, makes, moves, number)
    join zones z on z.event_id = $1 and z.id = b.zone_id
     and z.owner_epoch = b.epoch and z.gate_generation = b.generation and z.version = b.version
    order by z.id
    for update of z
  ), made as (
    insert into bookings (event_id, id, zone_id, user_id, idempotency_key, fingerprint, quantity, amount_minor,
                          currency, status, created_at, expires_at)
    select z.event_id, m.id, z.id, m.user_id, m.key, m.fingerprint, m.quantity, m.quantity * z.price, z.currency,
           'reserved', z.now, m.expires_at
    from unnest($12::int[], $13::uuid[], $14::uuid[], $15::bytea[], $16::bytea[], $17::int[], $18::timestamptz[])
           as m(number, id, user_id, key, fingerprint, quantity, expires_at)
    join zone z on z.number = m.number
    returning zone_id, quantity
  ), moved as (
    update bookings b
    set status = m.status::booking_status,
        expires_at = coalesce(m.expires_at, b.expires_at),
        extended_from = case when m.expires_at is null then b.extended_from else coalesce(b.extended_from, b.expires_at) end,
        changed_at = case when m.status = b.status::text then b.changed_at else m.now end
    from (
      select found.place, z.now, m.*
      from unnest($19::int[], $20::uuid[], $21::text[], $22::text[], $23::int[], $24::int[], $25::int[], $26::timestamptz[])
             as m(number, id, allowed, status, available, held, sold, expires_at)
      join zone z on z.number = m.number,
           lateral (
             select ctid as place from bookings
             where event_id = z.event_id and id = m.id and zone_id = z.id
               and status::text = any (string_to_array(m.allowed, ' '))
             offset 0
           ) found
    ) m
    where b.ctid = m.place
    returning b.zone_id, m.available * b.quantity as available, m.held * b.quantity as held, m.sold * b.quantity as sold
  ), shift as (
    select zone_id, sum(makes) as makes, sum(moves) as moves,
           sum(available) as available, sum(held) as held, sum(sold) as sold
    from (
      select zone_id, 1 as makes, 0 as moves, -quantity as available, quantity as held, 0 as sold from made
      union all
      select zone_id, 0, 1, available, held, sold from moved
    ) changed
    group by zone_id
  ), done as (
    update zones
    set available = zones.available + s.available, held = zones.held + s.held, sold = zones.sold + s.sold,
        version = zones.version + 1
    from zone z join shift s on s.zone_id = z.id
    where zones.event_id = z.event_id and zones.id = z.id
    returning z.number, z.events, z.moves, s.makes = z.makes and s.moves = z.moves as whole
  ), told as (
    insert into outbox (topic, types, events)
    select 'booking-events', case when moves = 0 then '{booking.created}'::text[] end, events from done where events <> '[]'
  )
  select z.number::int, case when done.whole then true else refuse_batch('the gate let through what the truth does not have') end
  from zone z left join done on done.number = z.number`;

/** $1 to $26 of `commitSql` */
function commitValues(batches: readonly CommitBatch[]): unknown[] {
  return [
    ...zoneValues(batches),
    texts(batches.map(eventsText)),
    integers(batches.map(({ made }) => made.length)),
    integers(batches.map(({ moved }) => moved.length)),
    ...madeValues(batches),
    ...movedValues(batches),
  ];
}

/** $1 to $8: the event, and of each zone the row that its batch is for, and its terms. */
function zoneValues(batches: readonly CommitBatch[]): unknown[] {
  return [
    batches[0]?.lease.eventId,
    uuids(batches.map(({ lease }) => lease.zoneId)),
    bigints(batches.map(({ lease }) => lease.epoch)),
    bigints(batches.map(({ lease }) => lease.generation)),
    bigints(batches.map(({ version }) => version)),
    moments(batches.map(({ nowMs }) => nowMs)),
    bigints(batches.map(({ terms }) => terms.priceMinor)),
    texts(batches.map(({ terms }) => terms.currency)),
  ];
}

/** New bookings, each with the number of its batch. */
function madeValues(batches: readonly CommitBatch[]): unknown[] {
  const made = batches.flatMap((batch) => batch.made);
  return [integers(batches.flatMap((batch, index) => batch.made.map(() => index + 1))), ...columnsOf(made)];
}

/** New bookings: ids, users, keys, fingerprints, quantities and ends. */
function columnsOf(made: CommitBatch['made']): unknown[] {
  return [
    uuids(made.map((command) => command.bookingId)),
    uuids(made.map((command) => command.userId)),
    hashes(made.map((command) => command.key)),
    hashes(made.map((command) => command.fingerprint)),
    integers(made.map((command) => command.quantity)),
    moments(made.map((command) => command.expiresAtMs)),
  ];
}

/** $19 to $26: moves, each with the number of its batch. */
function movedValues(batches: readonly CommitBatch[]): unknown[] {
  const moved = batches.flatMap((batch) => batch.moved);
  const rules = moved.map(({ move }) => transitions[move]);
  return [
    integers(batches.flatMap((batch, index) => batch.moved.map(() => index + 1))),
    uuids(moved.map(({ bookingId }) => bookingId)),
    rules.map(({ from }) => from.join(' ')),
    rules.map(({ to }) => to),
    integers(rules.map(({ shift }) => shift.available)),
    integers(rules.map(({ shift }) => shift.held)),
    integers(rules.map(({ shift }) => shift.sold)),
    moved.map(({ expiresAtMs }) => (expiresAtMs === null ? null : new Date(expiresAtMs).toISOString())),
  ];
}
