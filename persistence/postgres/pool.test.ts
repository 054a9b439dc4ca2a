/** A server that ends connections, as a restart does, must not end the process: only the work on them may fail. */
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openDatabase } from '../../test/stores.ts';
import { openPool } from './pool.ts';

let database: Awaited<ReturnType<typeof openDatabase>>;
let operator: pg.Client;
let pool: pg.Pool;
let failures: Error[];

beforeAll(async () => {
  database = await openDatabase();
  operator = new pg.Client({ connectionString: database.url });
  await operator.connect();
});
afterAll(async () => {
  await operator.end();
  await database.drop();
});
beforeEach(() => {
  failures = [];
  const failed = (error: Error) => void failures.push(error);
  pool = openPool({ databaseUrl: database.url, connectionsMax: 1, statementTimeoutMs: 5_000, failed });
  return () => pool.end();
});

/** Ends the one session of the pool and resolves when the client has heard of it. */
async function endSession(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query('select pg_backend_pid() as pid');
  const heard = new Promise((resolve) => client.once('end', resolve));
  await operator.query('select pg_terminate_backend($1)', [rows[0].pid]);
  await heard;
}

it('outlives the end of a connection between two queries of a transaction', async () => {
  const client = await pool.connect();
  await client.query('begin');
  await endSession(client);
  const error = await client.query('select 1').catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Error);
  client.release(error as Error);
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

it('outlives the end of an idle connection, and says so', async () => {
  const client = await pool.connect();
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
  const { rows } = await client.query('select pg_backend_pid() as pid');
  client.release();
  await operator.query('select pg_terminate_backend($1)', [rows[0].pid]);
  await ended;
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  expect(failures.map((error) => error.message)).toEqual(['terminating connection due to administrator command']);
});
