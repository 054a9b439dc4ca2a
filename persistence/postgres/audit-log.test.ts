import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase } from '../../test/stores.ts';
import { createAuditLog, makeAuditPartitions } from './audit-log.ts';
import { openPool } from './pool.ts';

let database: Awaited<ReturnType<typeof openDatabase>>;
let pool: pg.Pool;
let client: pg.Client;
beforeAll(async () => {
  database = await openDatabase();
  pool = openPool({ databaseUrl: database.url, connectionsMax: 2, statementTimeoutMs: 5_000, failed: () => {} });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await Promise.all([pool.end(), client.end()]);
  await database.drop();
});

const partitionOf = async (actorId: string) => {
  const text =
    'select tableoid::regclass::text as partition, action, subject, details from audit_logs where actor_id = $1';
  return (await pool.query(text, [actorId])).rows;
};

it('keeps what was done in the partition of its month', async () => {
  const actorId = randomUUID();
  const act = { action: 'PUT /rooms/:id', subject: '7', details: { mode: 'paused' } };
  await createAuditLog(pool).record({ actorId, ...act });
  const partition = `audit_logs_${new Date().toISOString().slice(0, 7).replace('-', '_')}`;
  expect(await partitionOf(actorId)).toEqual([{ partition, ...act }]);
});

it('makes the partitions of the months to come, whatever is there already', async () => {
  const actorId = randomUUID();
  const insert = `insert into audit_logs (id, at, actor_id, action, subject) values (gen_random_uuid(), $1, $2, 'a', 's')`;
  await pool.query(insert, ['2031-03-31T23:59:59Z', actorId]);
  await makeAuditPartitions(client, Date.parse('2031-03-15T00:00:00Z'));
  await makeAuditPartitions(client, Date.parse('2031-03-16T00:00:00Z'));
  await pool.query(insert, ['2031-03-31T23:59:59Z', actorId]);
  await pool.query(insert, ['2031-04-01T00:00:00Z', actorId]);
  await pool.query(insert, ['2032-03-01T00:00:00Z', actorId]);
  expect((await partitionOf(actorId)).map(({ partition }) => partition).sort()).toEqual([
    'audit_logs_2031_04',
    'audit_logs_2032_03',
    'audit_logs_rest',
    'audit_logs_rest',
  ]);
});
