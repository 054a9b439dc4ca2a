/**
 * The one check that is the same for every server measured: rows against counters, and rows against what clients were
 * told. A server that lost, doubled or oversold a booking has no score.
 */
import { withPostgres } from './stores.ts';

/** What the generators were told, the warm-up included. */
export interface Promised {
  readonly accepted: number;
  /** Sent, and never answered: each may or may not have become a booking. */
  readonly unanswered: number;
}

export interface Conservation {
  readonly bookings: number;
  readonly seats: number;
  readonly mostPerUser: number;
}

export interface SaleLimits {
  readonly eventId: string;
  readonly maxPerUser: number;
  /** Free seats by zone where another store than PostgreSQL counts them. */
  readonly availableOf?: ReadonlyMap<string, number>;
}

/** Of an event that nobody but the generators bought at. Tables as Onsale's. */
export async function checkConservation(
  databaseUrl: string,
  { eventId, maxPerUser, availableOf }: SaleLimits,
  promised: Promised,
): Promise<{ readonly broken: readonly string[]; readonly conservation: Conservation }> {
  return withPostgres(databaseUrl, async (client) => {
    const { rows } = await client.query<ZoneRow>(zonesSql, [eventId]);
    const zones = rows.map((zone) => ({ ...zone, available: availableOf?.get(zone.id) ?? zone.available }));
    const { rows: users } = await client.query<{ most: string | null }>(mostSql, [eventId]);
    const sum = (name: 'bookings' | 'seats') => zones.reduce((total, zone) => total + Number(zone[name]), 0);
    const conservation = { bookings: sum('bookings'), seats: sum('seats'), mostPerUser: Number(users[0]?.most ?? 0) };
    return { broken: judgeConservation(zones, conservation, { maxPerUser, promised }), conservation };
  });
}

export interface ZoneRow {
  readonly id: string;
  readonly capacity: number;
  readonly available: number;
  readonly bookings: string;
  /** Of bookings that hold or own seats. */
  readonly seats: string;
}

export function judgeConservation(
  zones: readonly ZoneRow[],
  { bookings, mostPerUser }: Conservation,
  { maxPerUser, promised }: { readonly maxPerUser: number; readonly promised: Promised },
): readonly string[] {
  const { accepted, unanswered } = promised;
  const broken = zones.flatMap(({ id, capacity, available, seats }) => {
    return available < 0 || available + Number(seats) !== capacity
      ? [`zone ${id}: ${available} free and ${seats} taken seats are not its ${capacity}`]
      : [];
  });
  if (bookings < accepted) broken.push(`${accepted} bookings were promised, ${bookings} are there`);
  if (bookings > accepted + unanswered)
    broken.push(`${bookings} bookings are there, ${accepted} were promised and ${unanswered} unanswered`);
  if (mostPerUser > maxPerUser) broken.push(`a user has ${mostPerUser} seats, ${maxPerUser} are allowed`);
  return broken;
}

const taking = `b.status in ('reserved', 'confirmed')`;

const zonesSql = `
  select z.id, z.capacity, z.available,
    count(b.id)::text as bookings, coalesce(sum(b.quantity) filter (where ${taking}), 0)::text as seats
  from zones z left join bookings b on b.event_id = z.event_id and b.zone_id = z.id
  where z.event_id = $1 group by z.event_id, z.id`;

const mostSql = `
  select max(seats)::text as most
  from (select sum(quantity) as seats from bookings b where event_id = $1 and ${taking} group by user_id) as users`;
