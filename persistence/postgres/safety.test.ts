import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, startOwnStores } from '../../test/stores.ts';
import { findUnsafePostgres } from './safety.ts';

describe('findUnsafePostgres', () => {
  let database: Awaited<ReturnType<typeof openDatabase>>;
  beforeAll(async () => {
    database = await openDatabase();
  });
  afterAll(() => database.drop());

  it('finds nothing on a PostgreSQL as it comes', async () => {
    expect(await found()).toEqual([]);
  });

  it('names synchronous_commit when this database has it off', async () => {
    await alter('set synchronous_commit = off');
    expect(await found()).toEqual([
      expect.objectContaining({ setting: 'synchronous_commit', found: 'off', needed: 'on', lost: expect.any(String) }),
    ]);
    await alter('set synchronous_commit = local');
    expect(await found()).toEqual([]);
    await alter('reset synchronous_commit');
  });

  it('names fsync and full_page_writes when the server has them off', async () => {
    const stores = await startOwnStores({ postgresFlags: ['-c', 'fsync=off', '-c', 'full_page_writes=off'] });
    expect(await withClient(stores.databaseUrl, findUnsafePostgres)).toEqual([
      { setting: 'fsync', found: 'off', needed: 'on', lost: expect.any(String) },
      { setting: 'full_page_writes', found: 'off', needed: 'on', lost: expect.any(String) },
    ]);
    await stores.stop();
  });

  const found = () => withClient(database.url, findUnsafePostgres);

  async function alter(change: string) {
    const name = new URL(database.url).pathname.slice(1);
    await withClient(database.url, (client) => client.query(`alter database ${name} ${change}`));
  }

  async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }
});
