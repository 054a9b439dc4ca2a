/** The stores of the tests themselves: a fresh database with the schema, an empty Redis. */
import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { openDatabase, openRedis } from './stores.ts';

describe('openDatabase', () => {
  it('gives databases with the schema that do not see each other', async () => {
    const [one, other] = await Promise.all([openDatabase(), openDatabase()]);
    expect(one.url).not.toBe(other.url);
    await query(one.url, 'create table mark (n int)');
    await expect(query(other.url, 'select * from mark')).rejects.toThrow('does not exist');
    expect(await query(other.url, 'select name from migrations')).not.toHaveLength(0);
    await one.drop();
    await expect(query(one.url, 'select 1')).rejects.toThrow('does not exist');
    await other.drop();
  });

  it('keeps what promises rest on', async () => {
    const database = await openDatabase();
    expect(await query(database.url, 'show fsync')).toEqual([{ fsync: 'on' }]);
    await database.drop();
  });
});

describe('openRedis', () => {
  it('gives an empty Redis', async () => {
    const client = new Redis(await openRedis());
    expect(await client.dbsize()).toBe(0);
    await client.set('mark', '1');
    expect(await openRedis()).toBeDefined();
    expect(await client.get('mark')).toBe('1');
    await client.quit();
  });
});

async function query(url: string, sql: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
