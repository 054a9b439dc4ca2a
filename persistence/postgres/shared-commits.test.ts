/** Batches of several zones on one lane of a real PostgreSQL: what shares a commit, and that each has its own answer. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommitAnswer, CommitBatch } from '../../engine/ports.ts';
import { insertZone } from '../../test/contracts/catalogue.ts';
import { newId } from '../../test/contracts/event-sample.ts';
import { bookingCommand, moveOf, terms, ZoneOfTest } from '../../test/contracts/ledger-bench.ts';
import { openDatabase } from '../../test/stores.ts';
import { AnswerLost, type Lane, openLane } from './lane.ts';
import { shareCommits } from './shared-commits.ts';
import { createZoneLedger } from './zone-ledger.ts';

describe('batches of several zones', () => {
  let database: Awaited<ReturnType<typeof openDatabase>>;
  let admin: pg.Pool;
  let lane: Lane;
  let reads: Lane;
  let ask: (batch: CommitBatch) => Promise<CommitAnswer>;
  beforeAll(async () => {
    database = await openDatabase();
    admin = new pg.Pool({ connectionString: database.url, max: 2 });
    const options = { databaseUrl: database.url, statementTimeoutMs: 20_000, connectTimeoutMs: 5_000 };
    lane = openLane({ ...options, name: 'batches' });
    reads = openLane({ ...options, name: 'reads' });
    ask = shareCommits(lane);
  });
  afterAll(async () => {
    await Promise.all([lane.close(), reads.close(), admin.end()]);
    await database.drop();
  });

  /** Zones of one event, in the order of their ids. */
  async function openZones(count: number, eventId = newId()): Promise<ZoneOfTest[]> {
    const store = {
      ledger: createZoneLedger({ commitLanes: [reads], lane: reads, databaseUrl: database.url }),
      addZone: (zone: { eventId: string; zoneId: string; capacity: number }) =>
        insertZone(admin, { ...zone, ...terms }),
      counters: () => Promise.reject(new Error('not asked here')),
      told: () => Promise.reject(new Error('not asked here')),
    };
    const zones: ZoneOfTest[] = [];
    for (let i = 0; i < count; i++) zones.push(await ZoneOfTest.open(store, 100, eventId));
    return zones;
  }

  /** Of each zone: seats held, version, and which transaction wrote its row, as 0, 1, 2 … in the order of the zones. */
  async function rowsOf(zones: readonly ZoneOfTest[]) {
    const ids = zones.map(({ lease }) => lease.zoneId);
    const text = 'select id, held, version::int, xmin::text from zones where id = any($1)';
    const { rows } = await admin.query(text, [ids]);
    const found = ids.map((id) => rows.find((row) => row.id === id));
    const writers = [...new Set(found.map(({ xmin }) => xmin))];
    return found.map(({ held, version, xmin }) => ({ held, version, by: writers.indexOf(xmin) }));
  }

  /** Holds a zone's row locked until the batch that waits for it has been seen waiting and `during` is over. */
  async function behindLock(zone: ZoneOfTest, asked: () => Promise<unknown>, during: () => Promise<unknown>) {
    const other = await admin.connect();
    await other.query('begin');
    await other.query('select from zones where id = $1 for update', [zone.lease.zoneId]);
    const answers = asked();
    answers.catch(() => {});
    const waits = "select from pg_stat_activity where application_name = 'batches' and wait_event_type = 'Lock'";
    while ((await admin.query(`${waits} and datname = current_database()`)).rowCount === 0);
    await during();
    await other.query('commit');
    other.release();
    return answers;
  }

  const askAll = (zones: readonly ZoneOfTest[]) =>
    Promise.all(zones.map((zone, index) => ask(zone.batch([bookingCommand({ quantity: index + 1 })]))));

  it('that come in one turn share a commit, and each counts its own seats', async () => {
    const zones = await openZones(3);
    expect(await askAll(zones)).toEqual(['committed', 'committed', 'committed']);
    expect(await rowsOf(zones)).toEqual([
      { held: 1, version: 1, by: 0 },
      { held: 2, version: 1, by: 0 },
      { held: 3, version: 1, by: 0 },
    ]);
  });

  it('that only sell tell the outside in one row, of those that were taken', async () => {
    const zones = await openZones(3);
    await admin.query('update zones set owner_epoch = owner_epoch + 1 where id = $1', [zones[1]?.lease.zoneId]);
    const made = zones.map(() => [bookingCommand(), bookingCommand()]);
    const answers = await Promise.all(zones.map((zone, index) => ask(zone.batch(made[index] ?? []))));
    expect(answers).toEqual(['committed', 'stale', 'committed']);
    const { rows } = await admin.query(
      'select types, events from outbox where strpos(events, $1) > 0 or strpos(events, $2) > 0 or strpos(events, $3) > 0',
      made.map(([first]) => first?.bookingId),
    );
    expect(rows.map(({ types }) => types)).toEqual([['booking.created']]);
    const told = JSON.parse(rows[0].events).map((event: { subject: string }) => event.subject);
    const sold = [...(made[0] ?? []), ...(made[2] ?? [])].map(({ bookingId }) => bookingId);
    expect(told.toSorted()).toEqual(sold.toSorted());
  });

  it('that also move tell the outside of each zone in a row of its own, and say which rows hold nothing but new bookings', async () => {
    const zones = await openZones(2);
    const [moving, selling] = zones as [ZoneOfTest, ZoneOfTest];
    const old = await moving.reserved();
    const made = bookingCommand();
    const batches = [moving.batch([], [moveOf(old.bookingId, 'confirm')]), selling.batch([made])];
    expect(await Promise.all(batches.map(ask))).toEqual(['committed', 'committed']);
    const { rows } = await admin.query('select types, events from outbox order by seq desc limit 2');
    const told = rows.map(({ types, events }) => ({
      types,
      of: JSON.parse(events).map((event: { id: string }) => event.id),
    }));
    expect(new Set(told)).toEqual(
      new Set([
        { types: null, of: [`booking.confirmed:${old.bookingId}`] },
        { types: ['booking.created'], of: [`booking.created:${made.bookingId}`] },
      ]),
    );
    expect((await rowsOf(zones)).map(({ held, by }) => [held, by])).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });

  it('one of which was fenced: it is stale, and the others are committed together', async () => {
    const zones = await openZones(3);
    await admin.query('update zones set owner_epoch = owner_epoch + 1 where id = $1', [zones[1]?.lease.zoneId]);
    expect(await askAll(zones)).toEqual(['committed', 'stale', 'committed']);
    expect(await rowsOf(zones)).toEqual([
      { held: 1, version: 1, by: 0 },
      { held: 0, version: 0, by: 1 },
      { held: 3, version: 1, by: 0 },
    ]);
  });

  it('one of which is fenced while they wait for its row', async () => {
    const zones = await openZones(3);
    const fenced = zones[1] as ZoneOfTest;
    const other = await admin.connect();
    await other.query('begin');
    await other.query('update zones set owner_epoch = owner_epoch + 1 where id = $1', [fenced.lease.zoneId]);
    const answers = askAll(zones);
    while (
      (
        await admin.query(
          "select from pg_stat_activity where application_name = 'batches' and wait_event_type = 'Lock'",
        )
      ).rowCount === 0
    );
    await other.query('commit');
    other.release();
    expect(await answers).toEqual(['committed', 'stale', 'committed']);
  });

  it('one of which contradicts the truth: it alone is refused', async () => {
    const zones = await openZones(3);
    const [first, second, third] = zones as [ZoneOfTest, ZoneOfTest, ZoneOfTest];
    const { key, userId } = await second.reserved();
    const batches = [
      first.batch([bookingCommand()]),
      second.batch([bookingCommand(), bookingCommand({ key, userId })]),
      third.batch([bookingCommand({ quantity: 2 })]),
    ];
    expect(await Promise.all(batches.map(ask))).toEqual(['committed', 'conflict', 'committed']);
    expect((await rowsOf(zones)).map(({ held, version }) => [held, version])).toEqual([
      [1, 1],
      [1, 1],
      [2, 1],
    ]);
  });

  it('one of which moves a booking that is in no state for it: it alone is refused', async () => {
    const zones = await openZones(2);
    const [first, second] = zones as [ZoneOfTest, ZoneOfTest];
    const batches = [first.batch([], [moveOf(newId(), 'confirm')]), second.batch([bookingCommand()])];
    expect(await Promise.all(batches.map(ask))).toEqual(['conflict', 'committed']);
    expect((await rowsOf(zones)).map(({ held, version }) => [held, version])).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });

  it('whose answer is lost: each of them hears so, and each can find out', async () => {
    const zones = await openZones(3);
    const asked = () => Promise.allSettled(zones.map((zone) => ask(zone.batch([bookingCommand()]))));
    const cut = () =>
      admin.query("select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = 'batches'");
    const outcomes = await behindLock(zones[2] as ZoneOfTest, asked, cut);
    for (const outcome of outcomes as PromiseSettledResult<unknown>[])
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(AnswerLost) });
    const none = { held: 0, version: 0 };
    expect((await rowsOf(zones)).map(({ held, version }) => ({ held, version }))).toEqual([none, none, none]);
    expect(await askAll(zones)).toEqual(['committed', 'committed', 'committed']);
  });

  it('that come while a commit is under way wait for it, and a zone’s batches go one by one in their order', async () => {
    const zones = await openZones(3);
    const [busy, first, second] = zones as [ZoneOfTest, ZoneOfTest, ZoneOfTest];
    const next = (zone: ZoneOfTest, ahead: number) => ({ ...zone.batch([bookingCommand()]), version: ahead });
    let behind: Promise<CommitAnswer[]> | null = null;
    await behindLock(
      busy,
      () => ask(next(busy, 0)),
      async () => {
        behind = Promise.all([next(first, 0), next(first, 1), next(second, 0), next(busy, 1)].map(ask));
      },
    );
    expect(await behind).toEqual(['committed', 'committed', 'committed', 'committed']);
    const rows = await rowsOf(zones);
    expect(rows.map(({ version }) => version)).toEqual([2, 2, 1]);
    // The first batches of the two and the busy zone's second shared one; the first zone's second went by the next.
    expect(rows[0]?.by).toBe(rows[2]?.by);
    expect(rows[1]?.by).not.toBe(rows[2]?.by);
  });

  it('of two events never share: no transaction spans two events', async () => {
    const zones = [...(await openZones(1)), ...(await openZones(1))];
    expect(await askAll(zones)).toEqual(['committed', 'committed']);
    expect((await rowsOf(zones)).map(({ by }) => by)).toEqual([0, 1]);
  });

  it('that are worth a commit by themselves wait for nobody', async () => {
    const [busy, hot] = (await openZones(2)) as [ZoneOfTest, ZoneOfTest];
    const statements: number[] = [];
    const counted = shareCommits({
      query: (statement) => {
        statements.push(statement.values?.length ?? 0);
        return lane.query(statement);
      },
      close: lane.close,
    });
    const rows = () => Array.from({ length: 64 }, () => bookingCommand());
    await behindLock(
      busy,
      () => Promise.all([counted(busy.batch(rows())), counted(hot.batch(rows()))]),
      async () => expect(statements).toHaveLength(2),
    );
  });
});
