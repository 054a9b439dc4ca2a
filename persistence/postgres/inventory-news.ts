/**
 * What is told of the zones' free seats. Compares the zones with what was told last, and writes what is new and its event
 * in one statement; nodes that do so at the same moment tell it once.
 */
import type pg from 'pg';
import { zoneNews } from '../../engine/events.ts';

const changedSql = `
  select z.event_id, z.id as zone_id, z.version, z.capacity, z.available, z.held, z.sold, z.blocked, n.available as before
  from zones z left join zone_news n on n.event_id = z.event_id and n.zone_id = z.id
  where z.version > coalesce(n.version, 0) and z.available is distinct from n.available
    and (n.told_at is null or n.told_at <= now() - interval '1 second')
  order by z.id`;

/** A version that somebody told meanwhile is not told again. */
const tellSql = `
  with told as (
    insert into zone_news as n (event_id, zone_id, version, available, told_at)
    select event_id, zone_id, version, available, now()
    from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::int[]) as t(event_id, zone_id, version, available)
    on conflict (event_id, zone_id) do update
    set version = excluded.version, available = excluded.available, told_at = excluded.told_at
    where n.version < excluded.version
    returning zone_id
  )
  insert into outbox (topic, events)
  select 'inventory-events', '[' || string_agg(e.event, ',') || ']'
  from told join unnest($2::uuid[], $5::text[]) as e(zone_id, event) using (zone_id)
  having count(*) > 0`;

/** Tells each change once; `now` is the time of the telling. */
export async function tellInventory(pool: pg.Pool, now: () => number): Promise<void> {
  const { rows } = await pool.query({ name: 'zones_changed', text: changedSql });
  if (rows.length === 0) return;
  const time = new Date(now()).toISOString();
  const events = rows.map((row) =>
    zoneNews(
      {
        eventId: row.event_id,
        zoneId: row.zone_id,
        version: Number(row.version),
        capacity: row.capacity,
        available: row.available,
        held: row.held,
        sold: row.sold,
        blocked: row.blocked,
      },
      row.before,
      time,
    ),
  );
  const values = [
    rows.map((row) => row.event_id),
    rows.map((row) => row.zone_id),
    rows.map((row) => row.version),
    rows.map((row) => row.available),
    events.map((event) => JSON.stringify(event)),
  ];
  await pool.query({ name: 'tell_inventory', text: tellSql, values });
}
