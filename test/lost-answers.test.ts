/**
 * One zone actor over a real Redis and a real PostgreSQL, on lines that are cut before a call, after it and in the
 * middle of its answer; then stores that forget, restart, and end every connection. Nobody waits for ever, what was
 * acknowledged is there, and the audit is clean.
 */
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Actors, createActors } from '../actors/kit.ts';
import { type LocalZone, startZone } from '../actors/zone.ts';
import { cancel, confirm, type Reservation, reserve } from '../actors/zone-requests.ts';
import { audit } from '../auditor.ts';
import type { AckedBooking } from '../engine/audit.ts';
import type { Outcome } from '../engine/outcome.ts';
import { createMemoryJournal } from '../persistence/memory/journal.ts';
import { connectStores, type NodeStores } from '../persistence/node-stores.ts';
import { migrate } from '../persistence/postgres/migrate.ts';
import { loadScript } from '../persistence/redis/scripts.ts';
import { realWorld } from '../world.ts';
import { insertZone } from './contracts/catalogue.ts';
import { hashOf, newId } from './contracts/event-sample.ts';
import { type Cut, openStoreLine, type StoreLine } from './store-line.ts';
import { restartRedis, startOwnStores } from './stores.ts';

const gateCall = loadScript('zone_batch').sha;
const reserveCall = 'reserve_batch';
const commitCall = 'commit_batches';
const togetherCall = 'reserve_together';
const capacity = 2_000;

describe('a zone over real stores', () => {
  const world = realWorld();
  let own: Awaited<ReturnType<typeof startOwnStores>>;
  let admin: pg.Pool;
  beforeAll(async () => {
    own = await startOwnStores();
    await migrate(own.databaseUrl);
    admin = new pg.Pool({ connectionString: own.databaseUrl, max: 1 });
    admin.on('error', () => {});
  });
  afterAll(async () => {
    await admin.end();
    await own.stop();
  });

  let lines: { readonly redis: StoreLine; readonly postgres: StoreLine };
  let stores: NodeStores;
  let actors: Actors;
  let zone: LocalZone;
  let eventId: string;
  let zoneId: string;
  /** More zones of the event, which a test may start. */
  let neighbourIds: readonly string[];
  let doubts: string[];
  let acked: Map<string, AckedBooking>;

  beforeEach(async () => {
    lines = { redis: await openStoreLine(own.redisUrl), postgres: await openStoreLine(own.databaseUrl) };
    [eventId, zoneId, doubts, acked] = [newId(), newId(), [], new Map()];
    neighbourIds = [newId(), newId(), newId(), newId()];
    for (const id of [zoneId, ...neighbourIds])
      await insertZone(admin, { eventId, zoneId: id, capacity, priceMinor: 100, currency: 'THB', maxPerUser: 4 });
    stores = await connectStores({
      databaseUrl: lines.postgres.url,
      redisUrl: lines.redis.url,
      rateLimits: false,
      commitTimeoutMs: 5_000,
      failed: () => {},
      now: world.clock.now,
    });
    actors = createActors(world, createMemoryJournal(), {
      crashed: (_, error) => doubts.push(`${error}`),
      abandoned: () => {},
    });
    zone = startOne(zoneId);
    expect(await settled([ask()])).toEqual(['accepted']);
  });
  afterEach(async () => {
    actors.stopAll();
    await stores.close();
    await Promise.all([lines.redis.close(), lines.postgres.close()]);
  });

  function startOne(id: string): LocalZone {
    return startZone(id, {
      actors,
      gate: stores.gate,
      ledger: stores.ledger,
      limits: { batchMax: 64, inboxMax: 1_000, waitMaxMs: 200, commitsMax: 2, holdTtlMs: 600_000, ack: 'durable' },
      lease: async () => {},
      watch: { refused: () => {}, batched: () => {}, timed: () => () => {}, doubted: (_, why) => doubts.push(why) },
    });
  }

  interface Asked {
    readonly userId: string;
    readonly key: string;
    readonly outcomes: Outcome<Reservation>[];
  }

  function ask(userId = newId(), key = newId(), of = zone): Asked {
    const outcomes: Outcome<Reservation>[] = [];
    reserve(of, {
      userId,
      key: hashOf(`${userId} ${key}`),
      fingerprint: hashOf('body'),
      quantity: 1,
      deadlineMs: world.clock.now() + 10_000,
      reply: (outcome) => outcomes.push(outcome),
    });
    return { userId, key, outcomes };
  }

  /** Waits until all are answered, notes what was acknowledged, and answers what was said. */
  async function settled(asked: readonly Asked[]): Promise<string[]> {
    await vi.waitFor(() => expect(asked.filter(({ outcomes }) => outcomes.length === 0)).toEqual([]), 25_000);
    return asked.map(({ userId, outcomes }) => {
      expect(outcomes).toHaveLength(1);
      const [outcome] = outcomes;
      if (!outcome?.ok) return outcome?.rejection.code ?? '';
      const { bookingId, quantity, zoneId: of } = outcome.value;
      acked.set(bookingId, { bookingId, userId, eventId, zoneId: of, quantity, status: 'reserved', key: null });
      return 'accepted';
    });
  }

  async function move(bookingId: string, how: 'confirm' | 'cancel'): Promise<string> {
    const outcome = await new Promise<Outcome<string>>((resolve) => {
      const asked = { deadlineMs: world.clock.now() + 10_000, reply: resolve };
      if (how === 'confirm') confirm(zone, bookingId, asked);
      else cancel(zone, bookingId, asked);
    });
    const before = acked.get(bookingId);
    const status = how === 'confirm' ? ('confirmed' as const) : ('cancelled' as const);
    if (outcome.ok && outcome.value === 'applied' && before) acked.set(bookingId, { ...before, status });
    return outcome.ok ? outcome.value : outcome.rejection.code;
  }

  /** What was refused for not being known is asked again with its key, as a client would. */
  async function askAgain(asked: readonly Asked[]): Promise<void> {
    const unknown = asked.filter(({ outcomes }) => !outcomes[0]?.ok);
    const answers = await settled(unknown.map(({ userId, key }) => ask(userId, key)));
    expect(answers).toEqual(unknown.map(() => 'accepted'));
  }

  /** Acknowledged is durable, one booking a key, gate and truth the same. */
  async function expectClean(): Promise<void> {
    const sources = { ...own, readCharges: null, acked: [...acked.values()], eventId, settled: false };
    await vi.waitFor(async () => {
      const report = await audit(sources);
      // Nobody publishes here, so the outbox is still under way.
      expect(report.findings.filter(({ kind }) => kind === 'violation')).toEqual([]);
      expect(report.notes.filter((note) => note.includes('could not be compared'))).toEqual([]);
      const examined = new Map(report.checks.map((check) => [check.promise, check.examined]));
      expect(examined.get('P2')).toBe(acked.size);
    }, 10_000);
  }

  const cuts: readonly Cut[] = ['before', 'after', 'middle'];

  it.each(cuts)('learns what became of every batch when the line to Redis is cut %s', async (when) => {
    for (let round = 0; round < 20; round++) {
      const cut = lines.redis.cutNext(gateCall, when);
      const asked = [ask(), ask(), ask()];
      await cut;
      expect(await settled(asked)).toEqual(['accepted', 'accepted', 'accepted']);
    }
    // The gate repeats a batch whose answer was lost, and the batch's record answers.
    expect(doubts).toEqual([]);
    await expectClean();
    const { rows } = await admin.query('select held from zones where id = $1', [zoneId]);
    expect(rows).toEqual([{ held: 61 }]);
  });

  it.each(cuts)('learns what became of every batch when the line to PostgreSQL is cut %s', async (when) => {
    for (let round = 0; round < 20; round++) {
      const cut = lines.postgres.cutNext(reserveCall, when);
      const asked = [ask(), ask(), ask()];
      await cut;
      expect(await settled(asked)).toEqual(['accepted', 'accepted', 'accepted']);
    }
    expect(doubts.filter((why) => why === 'the truth did not answer')).toHaveLength(20);
    await expectClean();
    const { rows } = await admin.query('select held from zones where id = $1', [zoneId]);
    expect(rows).toEqual([{ held: 61 }]);
  });

  it.each(cuts)('learns of each zone what became of a commit that several shared and that was cut %s', async (when) => {
    const zones = neighbourIds.map(startOne);
    expect(await settled(zones.map((each) => ask(newId(), newId(), each)))).toEqual(zones.map(() => 'accepted'));
    for (let round = 0; round < 10; round++) {
      const cut = lines.postgres.cutNext(togetherCall, when);
      const asked = zones.map((each) => ask(newId(), newId(), each));
      await cut;
      expect(await settled(asked)).toEqual(zones.map(() => 'accepted'));
    }
    // Each was in doubt for itself, and more than one at a time.
    expect(doubts.filter((why) => why === 'the truth did not answer').length).toBeGreaterThan(10);
    await expectClean();
    const { rows } = await admin.query('select held from zones where event_id = $1 and id <> $2', [eventId, zoneId]);
    expect(rows).toEqual(zones.map(() => ({ held: 11 })));
  });

  it.each(cuts)('knows a confirmation and a cancellation that were cut %s', async (when) => {
    const [sold, dropped] = [ask(), ask()];
    await settled([sold, dropped]);
    const bookingOf = ({ outcomes }: Asked) => (outcomes[0]?.ok ? outcomes[0].value.bookingId : '');
    void lines.postgres.cutNext(commitCall, when);
    expect(await move(bookingOf(sold), 'confirm')).toBe('applied');
    void lines.redis.cutNext(gateCall, when);
    expect(await move(bookingOf(dropped), 'cancel')).toBe('applied');
    await expectClean();
  });

  it.each([
    ['Redis forgets everything', flushRedis],
    ['Redis restarts', () => restartRedis(own)],
    ['PostgreSQL ends every connection', endConnections],
  ])('goes on when %s under load', async (_what, happen) => {
    const asked: Asked[] = [];
    for (let round = 0; round < 30; round++) {
      for (let n = 0; n < 5; n++) asked.push(ask());
      if (round === 10 || round === 20) await happen();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await settled(asked);
    await askAgain(asked);
    await expectClean();
    const { rows } = await admin.query('select held from zones where id = $1', [zoneId]);
    expect(rows).toEqual([{ held: 151 }]);
  });

  async function flushRedis(): Promise<void> {
    for (const { redis } of await stores.gateConnection.all(1_000)) await redis.flushall();
  }

  async function endConnections(): Promise<void> {
    await admin.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
  }
});
