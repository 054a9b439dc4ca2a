import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../test/stores.ts';
import { AnswerLost, type Lane, openLane } from './lane.ts';

describe('a lane', () => {
  let database: Awaited<ReturnType<typeof openDatabase>>;
  let admin: pg.Pool;
  let lane: Lane;
  beforeAll(async () => {
    database = await openDatabase();
    admin = new pg.Pool({ connectionString: database.url, max: 1 });
    await admin.query('create table marks (n int)');
  });
  afterEach(() => lane.close());
  afterAll(async () => {
    await admin.end();
    await database.drop();
  });

  function open(changes: { readonly databaseUrl?: string; readonly statementTimeoutMs?: number } = {}): Lane {
    const options = { databaseUrl: database.url, statementTimeoutMs: 10_000, connectTimeoutMs: 5_000, ...changes };
    lane = openLane({ name: 'lane under test', ...options });
    return lane;
  }

  const mark = (n: number) => lane.query({ text: 'insert into marks values ($1)', values: [n] });

  /** Ends the lane's connection on the server's side, once its statement is running there. */
  async function cut(): Promise<void> {
    const sql = `
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'lane under test' and datname = current_database() and query like '%pg_sleep%'`;
    while ((await admin.query(sql)).rowCount === 0);
  }

  it('runs statements in the order in which they were given', async () => {
    open();
    await Promise.all(Array.from({ length: 50 }, (_, n) => mark(n)));
    const { rows } = await lane.query<{ n: number }>({ text: 'select n from marks' });
    expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  it('passes on an error that PostgreSQL answered, and goes on', async () => {
    open();
    const [failed, passed] = await Promise.allSettled([
      lane.query({ text: 'select 1/0' }),
      lane.query({ text: 'select 1' }),
    ]);
    expect(failed).toMatchObject({ reason: { code: '22012' } });
    expect(passed.status).toBe('fulfilled');
  });

  it('says that a statement ran too long: it is undone', async () => {
    open({ statementTimeoutMs: 50 });
    await expect(lane.query({ text: 'select pg_sleep(20)' })).rejects.toMatchObject({ code: '57014' });
  });

  it('rejects with AnswerLost when the connection ends, also what waits behind, and connects anew', async () => {
    open();
    const lost = Promise.allSettled([lane.query({ text: 'select pg_sleep(20)' }), lane.query({ text: 'select 1' })]);
    await cut();
    for (const outcome of await lost) expect(outcome).toMatchObject({ reason: expect.any(AnswerLost) });
    expect((await lane.query({ text: 'select 1 as n' })).rows).toEqual([{ n: 1 }]);
  });

  it('survives the end of a connection that is idle', async () => {
    open();
    const { rows } = await lane.query<{ pid: number }>({ text: 'select pg_backend_pid() as pid' });
    await admin.query('select pg_terminate_backend($1, 10000)', [rows[0]?.pid]);
    // Whether the lane has heard of the end by now is not told: it may lose one answer, and not a second.
    const answers = await Promise.allSettled([lane.query({ text: 'select 1' })]);
    if (answers[0].status === 'rejected') expect(answers[0].reason).toBeInstanceOf(AnswerLost);
    expect((await lane.query({ text: 'select 1 as n' })).rows).toEqual([{ n: 1 }]);
  });

  it('rejects when PostgreSQL is not there, and when it was closed', async () => {
    open({ databaseUrl: 'postgres://127.0.0.1:1/none' });
    await expect(lane.query({ text: 'select 1' })).rejects.toThrow(AnswerLost);
    await lane.close();
    await expect(lane.query({ text: 'select 1' })).rejects.toThrow('the lane is closed');
  });
});
