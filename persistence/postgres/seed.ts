/** An event for a load test: a show on sale with equal zones, and many users who cannot log in. */
import pg from 'pg';

export interface Seed {
  readonly eventId: string;
  readonly showId: string;
  readonly tenantId: string;
  readonly zoneIds: readonly string[];
  readonly userIds: readonly string[];
  readonly seatsPerZone: number;
  /** Minor units of the currency. */
  readonly priceMinor: number;
  /** ISO 4217. @default THB */
  readonly currency?: string;
  readonly maxPerUser: number;
  readonly waitingRoom: 'off' | 'open';
}

const usersPerStatement = 10_000;
/** No password has this hash: seeded users come with a token instead. */
const unusableHash = '!';

/** Writes all of it in one transaction. */
export async function insertSeed(databaseUrl: string, seed: Seed): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('begin');
    await insertSale(client, seed);
    for (let at = 0; at < seed.userIds.length; at += usersPerStatement)
      await insertUsers(client, seed.userIds.slice(at, at + usersPerStatement));
    await client.query('commit');
  } finally {
    // Ending the session undoes an unfinished transaction.
    await client.end();
  }
}

async function insertSale(client: pg.Client, seed: Seed): Promise<void> {
  const { eventId, showId, tenantId, zoneIds, seatsPerZone, priceMinor, maxPerUser, waitingRoom } = seed;
  const { currency = 'THB' } = seed;
  await client.query(`insert into tenants (id, name) values ($1, 'Seeded')`, [tenantId]);
  await client.query(
    `insert into events (id, tenant_id, slug, name, status)
     values ($1::uuid, $2, 'seed-' || $1::text, 'Seeded event', 'published')`,
    [eventId, tenantId],
  );
  await client.query('insert into event_configs (event_id, max_per_user, waiting_room) values ($1, $2, $3)', [
    eventId,
    maxPerUser,
    waitingRoom,
  ]);
  await client.query(
    `insert into shows (event_id, id, name, starts_at, sale_start_at, sale_end_at)
     values ($1, $2, 'Seeded show', now() + interval '30 days', now() - interval '1 hour', now() + interval '29 days')`,
    [eventId, showId],
  );
  await client.query(
    `insert into zones (event_id, id, show_id, name, kind, sort_order, price_minor, currency, capacity, available)
     select $1, z.id, $2, 'Zone ' || z.at, 'general', z.at, $3, $6, $4, $4
     from unnest($5::uuid[]) with ordinality as z(id, at)`,
    [eventId, showId, priceMinor, seatsPerZone, zoneIds, currency],
  );
}

async function insertUsers(client: pg.Client, userIds: readonly string[]): Promise<void> {
  await client.query(
    `insert into users (id, email, name, role, password_hash)
     select id, id || '@seed.test', 'Seeded user', 'user', $2 from unnest($1::uuid[]) as id`,
    [userIds, unusableHash],
  );
}
