/** The outbox as rows: read by state, marked after delivery. And the dead letters, which are told of through it. */
import type pg from 'pg';
import type { Outbox } from '../../engine/event-log.ts';

export function createOutbox(pool: pg.Pool): Outbox {
  return {
    async unpublished(room, except, wanted) {
      const values = [room.rows, except, wanted, room.bytes];
      const { rows } = await pool.query({ name: 'outbox_unpublished', text: unpublishedSql, values });
      return rows;
    },
    async markPublished(seqs) {
      const text = 'update outbox set published_at = now() where seq = any ($1::bigint[])';
      await pool.query({ name: 'outbox_mark', text, values: [seqs] });
    },
    async deadLetter({ topic, key, consumer, event, error, attempts }) {
      const values = [topic, keepable(key).slice(0, keyCharsMax), consumer, keepable(event), keepable(error), attempts];
      await pool.query({ name: 'dead_letter', text: deadLetterSql, values });
    },
  };
}

/** By hash, not by `<> all`: each of hundreds of rows would be compared with each of hundreds that are under way. */
const unpublishedSql = `
  with waiting as (
    select seq, topic, case when $3::text[] is null or types is null or types && $3 then events else '[]' end as events
    from outbox o
    where published_at is null and not exists (select from unnest($2::bigint[]) as under_way(seq) where seq = o.seq)
    order by seq limit $1
  ), counted as (
    select *, sum(octet_length(events)) over (order by seq) - octet_length(events) as before from waiting
  )
  select seq, topic, events from counted where before < $4 order by seq`;

/** An entry of the index on them takes 2 704 bytes; ours are UUIDs, but in a log shared with others a key may be anything. */
const keyCharsMax = 500;

/** What nobody can use must not be unkeepable, too, or it would come back for ever: PostgreSQL keeps no text with a NUL. */
function keepable(text: string): string {
  return text.replaceAll('\0', '\ufffd');
}

/*
 * The same event of the same consumer is one letter, whatever died between parking it and saying so; one that comes
 * back after a replay is open again. Its id follows from what it is, in the form of a UUID of version 8. What is too
 * large for the log must not be in its own obituary, and an obituary that cannot be delivered gets none.
 */
const deadLetterSql = `
  with parked as (
    insert into dead_letters as d (id, topic, key, consumer, event, error, attempts)
    values (overlay(overlay(md5($1 || ' ' || $3 || ' ' || $2 || ' ' || $4) placing '8' from 13) placing '8' from 17)::uuid, $1, $2, $3, $4, $5, $6)
    on conflict (id) do update
    set error = excluded.error, attempts = d.attempts + excluded.attempts, resolved_at = null
    returning id, topic, key, consumer, event, error, attempts
  )
  insert into outbox (topic, events)
  select 'onsale.dlq', json_build_array(json_build_object(
    'id', 'dead-letter:' || id || ':' || attempts,
    'type', 'dead-letter',
    'source', 'onsale',
    'subject', key,
    'time', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'data', json_build_object('dead_letter_id', id, 'topic', topic, 'consumer', consumer, 'error', error,
      'attempts', attempts, 'event', case when length(event) <= 65536 then event end)
  ))::text
  from parked where topic <> 'onsale.dlq'`;

/** Rows that wait, for the gauge that operators watch. */
export async function outboxBacklog(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query({
    name: 'outbox_backlog',
    text: 'select count(*)::int as waiting from outbox where published_at is null',
  });
  return rows[0].waiting;
}

/** How long the oldest of them has waited, in seconds; 0 when none does. */
export async function outboxAgeSeconds(pool: pg.Pool): Promise<number> {
  const text = `
    select extract(epoch from now() - created_at) as seconds from outbox
    where published_at is null order by seq limit 1`;
  const { rows } = await pool.query<{ seconds: string }>({ name: 'outbox_age', text });
  return Number(rows[0]?.seconds ?? 0);
}
