import { afterAll, beforeAll, expect, it } from 'vitest';
import { readConfig } from '../config.ts';
import { openDatabase, openRedis, startOwnStores } from '../test/stores.ts';
import { openStores } from './stores.ts';

let own: Awaited<ReturnType<typeof startOwnStores>>;
beforeAll(async () => {
  own = await startOwnStores();
});
afterAll(() => own.stop());

const open = async (environment: Record<string, string>) => {
  const said: string[] = [];
  return { ...(await openStores(readConfig(environment), (line) => said.push(line))), said };
};

it('takes the stores that are configured, brings their schema up to date, and leaves them running', async () => {
  const [database, redisUrl] = await Promise.all([openDatabase(), openRedis()]);
  const stores = await open({ DATABASE_URL: database.url, REDIS_URL: redisUrl });
  expect(stores).toMatchObject({ databaseUrl: database.url, redisUrl, embedded: false });
  await stores.stop();
  const again = await open({ DATABASE_URL: database.url, REDIS_URL: redisUrl });
  await again.stop();
  await database.drop();
});

it('else finds the private ones that run, and says what it did to them', async () => {
  const { databaseUrl, redisUrl, dataDir } = own;
  const stores = await open({ ONSALE_DATA_DIR: dataDir });
  expect(stores).toMatchObject({ databaseUrl, redisUrl, embedded: true });
  expect(stores.said.at(-1)).toMatch(/^PostgreSQL: schema brought up to date \(.+\)$/);
  expect((await open({ ONSALE_DATA_DIR: dataDir })).said.join()).not.toContain('schema');
});

it('else starts them, and stops them again', async () => {
  await own.stop();
  const stores = await open({ ONSALE_DATA_DIR: own.dataDir });
  expect(stores).toMatchObject({ embedded: true });
  await stores.stop();
  const again = await open({ ONSALE_DATA_DIR: own.dataDir });
  expect(again.said).toEqual(expect.arrayContaining(['PostgreSQL: started', 'Redis: started']));
  await again.stop();
});

it('takes one that is configured beside a private one', async () => {
  const database = await openDatabase();
  const stores = await open({ ONSALE_DATA_DIR: own.dataDir, DATABASE_URL: database.url });
  expect(stores.databaseUrl).toBe(database.url);
  expect(stores.redisUrl).toMatch(/^redis:\/\//);
  await stores.stop();
  await database.drop();
});
