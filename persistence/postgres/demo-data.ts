/**
 * The demo: a company, its people, and two events on sale, with ids that never change. Laid at each start and safe to
 * lay again: what was sold stays sold, only the windows of sale are moved on so that the demo is always open.
 */
import pg from 'pg';

export const demoPassword = 'Demo-1234!';

const id = (number: number) => `01990000-0000-7000-8000-${String(number).padStart(12, '0')}`;

const tenantId = id(1);
const categoryId = id(2);

const users = [
  ...Array.from({ length: 9 }, (_, index) => ({
    name: `Buyer ${index + 1}`,
    email: `buyer${index + 1}`,
    role: 'user',
  })),
  { name: 'Organizer', email: 'organizer', role: 'organizer' },
  { name: 'Admin', email: 'admin', role: 'admin' },
].map((user, index) => ({ ...user, email: `${user.email}@demo.test`, id: id(100 + index) }));

const events = [
  { id: id(1_000), slug: 'demo-rush', name: 'Rush at the Rama Dome', waitingRoom: 'open' },
  { id: id(2_000), slug: 'demo-open', name: 'Open Air by the River', waitingRoom: 'off' },
].map((event, index) => ({ ...event, showId: id(1_001 + 1_000 * index), firstZone: 1_002 + 1_000 * index }));

const zones = [
  { name: 'VIP', kind: 'general', capacity: 500, priceMinor: 300_000 },
  { name: 'A', kind: 'general', capacity: 1_000, priceMinor: 150_000 },
  { name: 'B', kind: 'general', capacity: 2_000, priceMinor: 80_000 },
  // Ten rows of twenty.
  { name: 'S', kind: 'seated', capacity: 200, priceMinor: 200_000 },
];

/** `hashPassword` is asked only when a user of the demo is missing, and once: all of them have the same password. */
export async function layDemoData(
  databaseUrl: string,
  hashPassword: (password: string) => Promise<string>,
): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => {}); // the query that is under way rejects
  await client.connect();
  try {
    await client.query('begin');
    await client.query('insert into tenants (id, name) values ($1, $2) on conflict do nothing', [
      tenantId,
      'Demo Live',
    ]);
    await client.query('insert into categories (id, slug, name) values ($1, $2, $3) on conflict do nothing', [
      categoryId,
      'concerts',
      'Concerts',
    ]);
    await layUsers(client, hashPassword);
    for (const event of events) await layEvent(client, event);
    await client.query('commit');
  } finally {
    // Ending the session undoes an unfinished transaction.
    await client.end();
  }
}

async function layUsers(client: pg.Client, hashPassword: (password: string) => Promise<string>): Promise<void> {
  const { rows } = await client.query('select count(*)::int as there from users where id = any ($1)', [
    users.map((user) => user.id),
  ]);
  if (rows[0].there === users.length) return;
  await client.query(
    `insert into users (id, tenant_id, email, name, role, password_hash)
     select u.id, case when u.role = 'user' then null else $1::uuid end, u.email, u.name, u.role, $2
     from unnest($3::uuid[], $4::text[], $5::text[], $6::text[]) as u(id, email, name, role)
     on conflict do nothing`,
    [
      tenantId,
      await hashPassword(demoPassword),
      users.map((user) => user.id),
      users.map((user) => user.email),
      users.map((user) => user.name),
      users.map((user) => user.role),
    ],
  );
}

async function layEvent(client: pg.Client, event: (typeof events)[number]): Promise<void> {
  const { id: eventId, slug, name, waitingRoom, showId, firstZone } = event;
  await client.query(
    `insert into events (id, tenant_id, category_id, slug, name, description, venue_name, city, country, status)
     values ($1, $2, $3, $4, $5, 'A demo event: everything about it is made up.', 'Rama Dome', 'Bangkok', 'TH', 'published')
     on conflict do nothing`,
    [eventId, tenantId, categoryId, slug, name],
  );
  await client.query('insert into event_configs (event_id, waiting_room) values ($1, $2) on conflict do nothing', [
    eventId,
    waitingRoom,
  ]);
  await client.query(
    `insert into shows (event_id, id, name, starts_at, sale_start_at, sale_end_at)
     values ($1, $2, 'Evening', (date_trunc('day', now() at time zone 'Asia/Bangkok') + interval '366 days 20 hours') at time zone 'Asia/Bangkok',
       now() - interval '1 hour', now() + interval '1 year')
     on conflict (event_id, id) do update
     set starts_at = excluded.starts_at, sale_start_at = excluded.sale_start_at, sale_end_at = excluded.sale_end_at`,
    [eventId, showId],
  );
  await client.query(
    `insert into zones (event_id, id, show_id, name, kind, sort_order, price_minor, currency, capacity, available)
     select $1, z.id, $2, z.name, z.kind, z.at, z.price, 'THB', z.capacity, z.capacity
     from unnest($3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::int[]) with ordinality
       as z(id, name, kind, price, capacity, at)
     on conflict do nothing`,
    [
      eventId,
      showId,
      zones.map((_, index) => id(firstZone + index)),
      zones.map((zone) => zone.name),
      zones.map((zone) => zone.kind),
      zones.map((zone) => zone.priceMinor),
      zones.map((zone) => zone.capacity),
    ],
  );
}
