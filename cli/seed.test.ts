import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase } from '../test/stores.ts';
import { realWorld } from '../world.ts';
import { type Fixture, runSeed } from './seed.ts';

let database: Awaited<ReturnType<typeof openDatabase>>;
let client: pg.Client;
let folder: string;
let file: string;

beforeAll(async () => {
  [database, folder] = await Promise.all([openDatabase(), mkdtemp(join(tmpdir(), 'onsale-seed-'))]);
  file = join(folder, 'fixture.json');
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await Promise.all([database.drop(), rm(folder, { recursive: true })]);
});

const io = { ids: realWorld().ids, sign: async (userId: string) => `token of ${userId}`, print: () => {} };

it('makes an event on sale, its users, and a file that says who may buy what', async () => {
  const size = { users: 12_345, zones: 3, seats: 70, maxPerUser: 4, priceMinor: 99, queue: true };
  expect(await runSeed({ ...size, databaseUrl: database.url, outFile: file }, io)).toBe(0);
  const fixture: Fixture = JSON.parse(await readFile(file, 'utf8'));
  expect(fixture.users).toHaveLength(12_345);
  expect(new Set(fixture.users.map((user) => user.user_id)).size).toBe(12_345);
  expect(fixture.users[7_000]?.token).toBe(`token of ${fixture.users[7_000]?.user_id}`);
  expect((await stat(file)).mode & 0o077).toBe(0);

  const { rows } = await client.query(
    `select z.id, z.capacity, z.available, z.price_minor::int as price, c.max_per_user, c.waiting_room, e.status,
            s.sale_start_at < now() and s.sale_end_at > now() as open
     from zones z join events e on e.id = z.event_id join event_configs c on c.event_id = e.id
     join shows s on s.id = z.show_id where e.id = $1 and s.id = $2 order by z.sort_order`,
    [fixture.event_id, fixture.show_id],
  );
  const zone = { capacity: 70, available: 70, price: 99, max_per_user: 4, waiting_room: 'open' };
  expect(rows).toEqual(fixture.zone_ids.map((id) => ({ id, ...zone, status: 'published', open: true })));
  const users = await client.query('select count(*)::int as users from users where id = any ($1)', [
    fixture.users.map((user) => user.user_id),
  ]);
  expect(users.rows).toEqual([{ users: 12_345 }]);
});

it('without options for it, sells without a waiting room and ten a user', async () => {
  await runSeed({ databaseUrl: database.url, users: 1, zones: 1, seats: 5, outFile: file }, io);
  const fixture: Fixture = JSON.parse(await readFile(file, 'utf8'));
  const { rows } = await client.query('select max_per_user, waiting_room from event_configs where event_id = $1', [
    fixture.event_id,
  ]);
  expect(rows).toEqual([{ max_per_user: 10, waiting_room: 'off' }]);
});
