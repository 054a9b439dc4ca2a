/** What only a real database can do to a ledger: locks, lost connections. The rest is test/contracts/ledger.test.ts. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommitBatch, ZoneLedger } from '../../engine/ports.ts';
import { insertZone } from '../../test/contracts/catalogue.ts';
import { newId } from '../../test/contracts/event-sample.ts';
import { bookingCommand, terms, todayMs } from '../../test/contracts/ledger-bench.ts';
import { openDatabase } from '../../test/stores.ts';
import { openTcpLine } from '../../test/tcp-line.ts';
import { AnswerLost, type Lane, openLane } from './lane.ts';
import { createZoneLedger } from './zone-ledger.ts';

describe('a ledger over PostgreSQL', () => {
  let database: Awaited<ReturnType<typeof openDatabase>>;
  let admin: pg.Pool;
  let lane: Lane;
  let ledger: ZoneLedger;
  beforeAll(async () => {
    database = await openDatabase();
    admin = new pg.Pool({ connectionString: database.url, max: 2 });
    const options = { databaseUrl: database.url, statementTimeoutMs: 20_000, connectTimeoutMs: 5_000 };
    lane = openLane({ ...options, name: 'batches' });
    ledger = createZoneLedger({ commitLanes: [lane], lane, databaseUrl: database.url });
  });
  afterAll(async () => {
    await lane.close();
    await admin.end();
    await database.drop();
  });

  async function firstBatch(): Promise<CommitBatch> {
    const zoneId = newId();
    await insertZone(admin, { eventId: newId(), zoneId, capacity: 10, ...terms });
    const acquired = await ledger.acquire(zoneId);
    if (!acquired) throw new Error('no such zone');
    const { lease, version } = acquired;
    return { lease, version, terms, nowMs: todayMs, made: [bookingCommand({ quantity: 2 })], moved: [] };
  }

  /** Runs `during` while another transaction holds the zone's row after `change`, and the batch waits for it. */
  async function commitBehind(batch: CommitBatch, change: string, during: () => Promise<unknown> = async () => {}) {
    const other = await admin.connect();
    await other.query('begin');
    await other.query(`update zones set ${change} where id = $1`, [batch.lease.zoneId]);
    const answer = ledger.commit(batch);
    answer.catch(() => {});
    await waitFor("select 1 from pg_stat_activity where application_name = 'batches' and wait_event_type = 'Lock'");
    await during();
    await other.query('commit');
    other.release();
    return answer;
  }

  async function waitFor(sql: string): Promise<void> {
    while ((await admin.query(`${sql} and datname = current_database()`)).rowCount === 0);
  }

  const row = async ({ lease }: CommitBatch) =>
    (await admin.query('select available, held, version::int from zones where id = $1', [lease.zoneId])).rows[0];

  it('counts on the row as another transaction has left it', async () => {
    const batch = await firstBatch();
    expect(await commitBehind(batch, `name = 'B', capacity = capacity + 5, available = available + 5`)).toBe(
      'committed',
    );
    expect(await row(batch)).toEqual({ available: 13, held: 2, version: 1 });
  });

  it('is stale when the transaction that it waited for was a take-over', async () => {
    const batch = await firstBatch();
    expect(await commitBehind(batch, 'owner_epoch = owner_epoch + 1')).toBe('stale');
    expect(await row(batch)).toEqual({ available: 10, held: 0, version: 0 });
    expect((await admin.query('select 1 from bookings where zone_id = $1', [batch.lease.zoneId])).rowCount).toBe(0);
  });

  it('has nothing of a batch whose connection was cut before its commit', async () => {
    const batch = await firstBatch();
    const cut = commitBehind(batch, `name = 'C'`, () =>
      admin.query("select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = 'batches'"),
    );
    await expect(cut).rejects.toThrow(AnswerLost);
    expect(await row(batch)).toEqual({ available: 10, held: 0, version: 0 });
    expect(await ledger.commit(batch)).toBe('committed');
  });

  describe('rebuilding an event', () => {
    const never = async () => false;
    const stepTimeoutMs = 300;
    const impatient = (databaseUrl: string) =>
      createZoneLedger({ commitLanes: [lane], lane, databaseUrl, rebuildStepTimeoutMs: stepTimeoutMs });

    it('waits for another rebuild no longer than a step may take, and is not held up by one that went silent', async () => {
      const { lease } = await firstBatch();
      let began = () => {};
      const loading = new Promise<void>((resolve) => {
        began = resolve;
      });
      // Its machine is gone: it reads nothing more, and will never say so.
      const silent = createZoneLedger({
        commitLanes: [lane],
        lane,
        databaseUrl: database.url,
        rebuildStepTimeoutMs: 2_000,
      });
      void silent.rebuild(lease.eventId, never, () => {
        began();
        return new Promise(() => {});
      });
      await loading;
      const next = impatient(database.url);
      await expect(next.rebuild(lease.eventId, never, async () => {})).rejects.toThrow('statement timeout');
      await waitFor(`select 1 from pg_database where not exists (select 1 from pg_locks l join pg_stat_activity a using (pid)
        where l.locktype = 'advisory' and a.application_name = 'onsale rebuild' and a.datname = current_database())`);
      const loaded: string[] = [];
      await next.rebuild(lease.eventId, never, async ({ eventId }) => void loaded.push(eventId));
      expect(loaded).toEqual([lease.eventId]);
    });

    it('ends when PostgreSQL stops answering in the middle', async () => {
      const { lease } = await firstBatch();
      const url = new URL(database.url);
      const line = await openTcpLine(url.hostname, Number(url.port));
      url.port = String(line.port);
      const lost = impatient(url.href).rebuild(lease.eventId, never, async (snapshot) => {
        line.block('back');
        for await (const _ of snapshot.holds());
      });
      await expect(lost).rejects.toThrow('Query read timeout');
      await line.close();
    });
  });
});
