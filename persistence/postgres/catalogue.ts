/** The catalogue as rows: published events, their shows and zones, and the terms of sale of a zone. Reads only. */
import type pg from 'pg';
import type {
  Catalogue,
  CatalogueEvent,
  EventFilter,
  EventPage,
  SaleStatus,
  SaleZone,
  Show,
  Zone,
} from '../../engine/catalogue.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ms = (column: string): string => `(extract(epoch from ${column}) * 1000)::bigint`;

export function createCatalogue(pool: pg.Pool): Catalogue {
  return {
    listEvents: (page) => listEvents(pool, page),
    countEvents: (filter) => countEvents(pool, filter),
    findEvent: (slugOrId, nowMs) => findEvent(pool, slugOrId, nowMs),
    listShows: (slugOrId) => listShows(pool, slugOrId),
    listZones: (showId) => listZones(pool, showId),
    async listCategories() {
      const text = 'select id, slug, name from categories order by name';
      const { rows } = await pool.query<{ id: string; slug: string; name: string }>({ name: 'list_categories', text });
      return rows;
    },
    findSaleZones: (zoneIds) => findSaleZones(pool, zoneIds),
  };
}

// ---- events

interface EventRow extends pg.QueryResultRow {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly description: string;
  readonly venue_name: string;
  readonly city: string;
  readonly country: string;
  readonly category: string | null;
  readonly sale_status: SaleStatus;
  readonly first_show_at_ms: string | null;
  readonly max_per_user: number;
  readonly waiting_room: string;
}

/** Published events with what their shows say of them at the time $1 (epoch ms). */
const publishedEvents = `
  select e.id, e.slug, e.name, e.description, e.venue_name, e.city, e.country, c.slug as category,
    coalesce(f.max_per_user, 10) as max_per_user, coalesce(f.waiting_room, 'off') as waiting_room,
    ${ms('s.first_show_at')} as first_show_at_ms,
    case when s.on_sale then 'on_sale' when s.over then 'ended' else 'upcoming' end as sale_status
  from events e
  left join categories c on c.id = e.category_id
  left join event_configs f on f.event_id = e.id
  cross join lateral (
    select min(starts_at) as first_show_at,
      coalesce(bool_or(sale_start_at <= at and at < sale_end_at), false) as on_sale,
      coalesce(bool_and(sale_end_at <= at), false) as over
    from shows, to_timestamp($1 / 1000.0) as at where shows.event_id = e.id
  ) s
  where e.status = 'published'`;

const matching = `
  ($2::text is null or position(lower($2) in lower(concat_ws(' ', name, venue_name, city))) > 0)
  and ($3::text is null or category = $3) and ($4::text is null or sale_status = $4)`;

async function listEvents(pool: pg.Pool, { filter, limit, from }: EventPage): Promise<readonly CatalogueEvent[]> {
  const after = 'after' in from ? from.after : null;
  const text = `
    select * from (${publishedEvents}) published where ${matching}
      and ($5::uuid is null or (coalesce(first_show_at_ms, ${neverMs}), id) > (coalesce($6::bigint, ${neverMs}), $5))
    order by coalesce(first_show_at_ms, ${neverMs}), id limit $7 offset $8`;
  const place = [after?.id ?? null, after?.firstShowAtMs ?? null, limit, 'offset' in from ? from.offset : 0];
  const values = [...filterValues(filter), ...place];
  const { rows } = await pool.query<EventRow>({ name: 'list_events', text, values });
  return rows.map(readEvent);
}

/** Sorts after every show. */
const neverMs = '9223372036854775807';

async function countEvents(pool: pg.Pool, filter: EventFilter): Promise<number> {
  const text = `select count(*)::int as total from (${publishedEvents}) published where ${matching}`;
  const { rows } = await pool.query<{ total: number }>({ name: 'count_events', text, values: filterValues(filter) });
  return rows[0]?.total ?? 0;
}

function filterValues({ search, category, saleStatus, nowMs }: EventFilter): unknown[] {
  return [nowMs, search, category, saleStatus];
}

async function findEvent(pool: pg.Pool, slugOrId: string, nowMs: number): Promise<CatalogueEvent | null> {
  const text = `${publishedEvents} and (e.slug = $2 or e.id = $3)`;
  const values = [nowMs, slugOrId, uuid.test(slugOrId) ? slugOrId : null];
  const { rows } = await pool.query<EventRow>({ name: 'find_event', text, values });
  return rows[0] ? readEvent(rows[0]) : null;
}

function readEvent(row: EventRow): CatalogueEvent {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    description: row.description,
    venueName: row.venue_name,
    city: row.city,
    country: row.country,
    category: row.category,
    saleStatus: row.sale_status,
    firstShowAtMs: row.first_show_at_ms === null ? null : Number(row.first_show_at_ms),
    maxPerUser: row.max_per_user,
    waitingRoom: row.waiting_room,
  };
}

// ---- shows and zones

interface ShowRow extends pg.QueryResultRow {
  /** Null in the one row of an event without shows. */
  readonly id: string | null;
  readonly event_id: string;
  readonly name: string;
  readonly starts_at_ms: string;
  readonly sale_start_at_ms: string;
  readonly sale_end_at_ms: string;
}

async function listShows(pool: pg.Pool, slugOrId: string): Promise<readonly Show[] | null> {
  const text = `
    select s.id, e.id as event_id, s.name, ${ms('s.starts_at')} as starts_at_ms,
      ${ms('s.sale_start_at')} as sale_start_at_ms, ${ms('s.sale_end_at')} as sale_end_at_ms
    from events e left join shows s on s.event_id = e.id
    where e.status = 'published' and (e.slug = $1 or e.id = $2) order by s.starts_at, s.id`;
  const values = [slugOrId, uuid.test(slugOrId) ? slugOrId : null];
  const { rows } = await pool.query<ShowRow>({ name: 'list_shows', text, values });
  return rows.length === 0 ? null : rows.flatMap(readShow);
}

function readShow(row: ShowRow): readonly Show[] {
  if (row.id === null) return [];
  return [
    {
      id: row.id,
      eventId: row.event_id,
      name: row.name,
      startsAtMs: Number(row.starts_at_ms),
      saleStartAtMs: Number(row.sale_start_at_ms),
      saleEndAtMs: Number(row.sale_end_at_ms),
    },
  ];
}

interface ZoneRow extends pg.QueryResultRow {
  /** Null in the one row of a show without zones. */
  readonly id: string | null;
  readonly event_id: string;
  readonly show_id: string;
  readonly name: string;
  readonly kind: 'general' | 'seated';
  readonly price_minor: string;
  readonly currency: string;
  readonly capacity: number;
  readonly available: number;
  readonly held: number;
  readonly sold: number;
  readonly blocked: number;
}

async function listZones(pool: pg.Pool, showId: string): Promise<readonly Zone[] | null> {
  const text = `
    select z.id, s.event_id, s.id as show_id, z.name, z.kind, z.price_minor, z.currency,
      z.capacity, z.available, z.held, z.sold, z.blocked
    from shows s join events e on e.id = s.event_id
    left join zones z on z.event_id = s.event_id and z.show_id = s.id
    where s.id = $1 and e.status = 'published' order by z.sort_order, z.id`;
  const { rows } = await pool.query<ZoneRow>({ name: 'list_zones', text, values: [showId] });
  return rows.length === 0 ? null : rows.flatMap(readZone);
}

function readZone(row: ZoneRow): readonly Zone[] {
  const { id, name, kind, currency, capacity, available, held, sold, blocked } = row;
  if (id === null) return [];
  const place = { id, eventId: row.event_id, showId: row.show_id };
  const seats = { capacity, available, held, sold, blocked };
  return [{ ...place, name, kind, priceMinor: Number(row.price_minor), currency, ...seats }];
}

interface SaleZoneRow extends pg.QueryResultRow {
  readonly event_id: string;
  readonly show_id: string;
  readonly zone_id: string;
  readonly kind: 'general' | 'seated';
  readonly price_minor: string;
  readonly currency: string;
  readonly max_per_user: number;
  readonly sale_start_ms: string;
  readonly sale_end_ms: string;
  readonly waiting_room: string;
  readonly published: boolean;
}

async function findSaleZones(pool: pg.Pool, zoneIds: readonly string[]): Promise<readonly SaleZone[]> {
  const text = `
    select z.event_id, z.show_id, z.id as zone_id, z.kind, z.price_minor, z.currency,
      coalesce(f.max_per_user, 10) as max_per_user, coalesce(f.waiting_room, 'off') as waiting_room,
      ${ms('s.sale_start_at')} as sale_start_ms, ${ms('s.sale_end_at')} as sale_end_ms,
      e.status = 'published' as published
    from zones z join shows s on s.event_id = z.event_id and s.id = z.show_id join events e on e.id = z.event_id
    left join event_configs f on f.event_id = z.event_id
    where z.id = any($1::uuid[])`;
  const { rows } = await pool.query<SaleZoneRow>({ name: 'find_sale_zones', text, values: [zoneIds] });
  return rows.map((row) => ({
    eventId: row.event_id,
    showId: row.show_id,
    zoneId: row.zone_id,
    kind: row.kind,
    priceMinor: Number(row.price_minor),
    currency: row.currency,
    maxPerUser: row.max_per_user,
    saleStartMs: Number(row.sale_start_ms),
    saleEndMs: Number(row.sale_end_ms),
    waitingRoom: row.waiting_room,
    published: row.published,
  }));
}
