/** The rows that a zone of a test needs around it. */
import type pg from 'pg';
import type { ZoneTerms } from '../../engine/ports.ts';
import { newId } from './event-sample.ts';

export interface ZoneToInsert extends ZoneTerms {
  readonly eventId: string;
  readonly zoneId: string;
  readonly capacity: number;
}

/** Inserts a zone, with its event and show when they are not there. */
export async function insertZone(database: pg.Pool, zone: ZoneToInsert): Promise<void> {
  const { eventId, zoneId, capacity, priceMinor, currency, maxPerUser } = zone;
  const ids = [newId(), eventId, newId()];
  await database.query(insertEvent, [...ids, `event-${eventId}`, maxPerUser]);
  await database.query(
    `insert into zones (event_id, id, show_id, name, kind, price_minor, currency, capacity, available)
     select $1, $2, id, 'A', 'general', $3, $4, $5, $5 from shows where event_id = $1`,
    [eventId, zoneId, priceMinor, currency, capacity],
  );
}

const insertEvent = `
  with missing as (select 1 where not exists (select 1 from events where id = $2)),
  tenant as (insert into tenants (id, name) select $1, 'T' from missing returning id),
  event as (
    insert into events (id, tenant_id, slug, name, status) select $2, tenant.id, $4, 'E', 'published' from tenant
    returning id
  ),
  config as (insert into event_configs (event_id, max_per_user) select id, $5 from event)
  insert into shows (event_id, id, name, starts_at, sale_start_at, sale_end_at)
  select id, $3, 'S', now(), now(), now() from event`;
