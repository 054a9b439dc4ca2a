import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { createAccounts } from '../persistence/postgres/accounts.ts';
import { createCatalogue } from '../persistence/postgres/catalogue.ts';
import { migrate } from '../persistence/postgres/migrate.ts';
import { openPool } from '../persistence/postgres/pool.ts';
import { connectRateLimits, type RateLimitStore } from '../persistence/redis/rate-limits.ts';
import { refusal, startEdge, type TestEdge } from '../test/edge.ts';
import { startOwnStores } from '../test/stores.ts';
import { isOutage } from './outage.ts';
import { createReadCache } from './read-cache.ts';
import { defineRoute } from './route.ts';
import { catalogueRoutes } from './routes/catalogue.ts';

let stores: Awaited<ReturnType<typeof startOwnStores>>;
let pool: pg.Pool;
let limits: RateLimitStore;
let edge: TestEdge;
let nowMs = Date.now();

/** One test waits for it; so long no other statement takes, however busy the machine. */
const patienceMs = 2_000;

const write = defineRoute({
  method: 'POST',
  path: '/api/v1/write',
  area: 'Test',
  summary: 'Something that changes',
  who: 'anyone',
  limit: 'general',
  answers: { 200: z.object({}) },
  handle: (call) => call.reply(200, {}),
});
const read = defineRoute({ ...write, method: 'GET', path: '/api/v1/read', handle: (call) => call.reply(200, {}) });

beforeAll(async () => {
  stores = await startOwnStores();
  await migrate(stores.databaseUrl);
  pool = openPool({
    databaseUrl: stores.databaseUrl,
    connectionsMax: 2,
    statementTimeoutMs: patienceMs,
    failed: () => {},
  });
  limits = await connectRateLimits(stores.redisUrl, { commandTimeoutMs: patienceMs, failed: () => {} });
  const clock = { now: () => nowMs };
  const deps = { catalogue: createCatalogue(pool), reads: createReadCache(clock), clock, limits };
  edge = await startEdge([...catalogueRoutes, write, read], deps);
});
afterAll(async () => {
  await edge.stop();
  await pool.end();
  limits.close();
  await stores.stop();
});

const unavailable = async (answer: Response) => {
  expect(answer.headers.get('retry-after')).toBe('1');
  expect({ status: answer.status, body: await answer.json() }).toEqual({
    status: 503,
    body: refusal('SERVICE_UNAVAILABLE'),
  });
};

it('a statement that waits too long is an outage', async () => {
  // Not one of the pool's, which PostgreSQL ends when they are idle in a transaction.
  const other = new pg.Client({ connectionString: stores.databaseUrl });
  await other.connect();
  await other.query('begin; lock table categories');
  await unavailable(await edge.ask('/api/v1/categories'));
  await other.end();
  expect((await edge.ask('/api/v1/categories')).status).toBe(200);
});

it('a pool without a free connection is an outage', async () => {
  nowMs += 10_000;
  const clients = [await pool.connect(), await pool.connect()];
  await unavailable(await edge.ask('/api/v1/categories'));
  for (const client of clients) client.release();
});

it('a statement that PostgreSQL refuses is a fault of ours', async () => {
  const error = await pool.query('select * from nothing').catch((thrown: unknown) => thrown);
  expect(isOutage(error)).toBe(false);
  expect(isOutage(new TypeError('x is not a function'))).toBe(false);
  expect(isOutage('thrown text')).toBe(false);
});

it('while Redis is away reads go on unlimited and writes are refused', async () => {
  const admin = new Redis(stores.redisUrl, { lazyConnect: true, retryStrategy: () => null });
  await admin.connect();
  admin.on('error', () => {});
  await admin.shutdown('NOSAVE').catch(() => {});
  await expect
    .poll(() =>
      limits.take({ name: 't', perMinute: 1, burst: 1 }, 'x').then(
        () => true,
        () => false,
      ),
    )
    .toBe(false);
  for (let n = 0; n < 25; n++) expect((await edge.ask('/api/v1/read')).status).toBe(200);
  await unavailable(await edge.ask('/api/v1/write', { method: 'POST' }));
});

it('a PostgreSQL that stops is an outage, in reads and in transactions', async () => {
  await stores.stop();
  await unavailable(await edge.ask('/api/v1/events'));
  const accounts = createAccounts(pool);
  const rotation = { presentedHash: Buffer.of(1), successorId: '', successorHash: Buffer.of(2), nowMs, graceMs: 1 };
  const error = await accounts.rotate(rotation).catch((thrown: unknown) => thrown);
  expect(isOutage(error)).toBe(true);
});
