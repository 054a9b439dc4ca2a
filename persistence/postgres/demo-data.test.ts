import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase } from '../../test/stores.ts';
import { demoPassword, layDemoData } from './demo-data.ts';

let database: Awaited<ReturnType<typeof openDatabase>>;
let client: pg.Client;
const hashed: string[] = [];
const hashPassword = async (password: string) => {
  hashed.push(password);
  return `hash of ${password}`;
};

beforeAll(async () => {
  database = await openDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await layDemoData(database.url, hashPassword);
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const rows = async (sql: string) => (await client.query(sql)).rows;

it('lays the people of the demo, who all have its password', async () => {
  const people = await rows('select email, role, password_hash, tenant_id is not null as employed from users');
  expect(people).toHaveLength(11);
  expect(people).toContainEqual({
    email: 'buyer9@demo.test',
    role: 'user',
    password_hash: `hash of ${demoPassword}`,
    employed: false,
  });
  expect(people.filter((person) => person.employed).map((person) => person.role)).toEqual(['organizer', 'admin']);
});

it('lays two events with the zones that outside drivers rely on', async () => {
  const zones = await rows(
    `select e.slug, e.status, z.name, z.kind, z.capacity, z.available, z.price_minor::int as price
     from zones z join events e on e.id = z.event_id order by e.slug, z.sort_order`,
  );
  const expected = (slug: string) =>
    [
      ['VIP', 'general', 500, 300_000],
      ['A', 'general', 1_000, 150_000],
      ['B', 'general', 2_000, 80_000],
      ['S', 'seated', 200, 200_000],
    ].map(([name, kind, seats, price]) => ({
      ...{ slug, status: 'published', name, kind, capacity: seats, available: seats, price },
    }));
  expect(zones).toEqual([...expected('demo-open'), ...expected('demo-rush')]);
});

it('is safe to lay again: sold stays sold, the sale is open again, no password is hashed', async () => {
  await client.query(`update zones set available = available - 2, sold = 2 where name = 'A'`);
  await client.query(`update shows set sale_end_at = now() - interval '1 day'`);
  hashed.length = 0;
  await layDemoData(database.url, hashPassword);
  expect(hashed).toEqual([]);
  expect(await rows(`select distinct sold from zones where name = 'A'`)).toEqual([{ sold: 2 }]);
  expect(
    await rows(`select count(*)::int as open from shows
                where sale_start_at < now() and sale_end_at > now() + interval '364 days'`),
  ).toEqual([{ open: 2 }]);
  expect(await rows('select count(*)::int as users from users')).toEqual([{ users: 11 }]);
});
