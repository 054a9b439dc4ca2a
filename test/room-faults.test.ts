/**
 * A waiting room actor over a real PostgreSQL whose line is cut before a batch, after it and in the middle of its
 * answer; then one that restarts, and a clock that jumps. Everybody who was told a place keeps it, everybody is
 * answered, and the log proves the order.
 */
import { readFileSync } from 'node:fs';
import { join as pathOf } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Actors, createActors } from '../actors/kit.ts';
import { type LocalRoom, startWaitingRoom } from '../actors/waiting-room.ts';
import { configure, type Joined, join, type Look, look, type PassTerms } from '../actors/waiting-room-requests.ts';
import { FairnessCheck } from '../engine/fairness.ts';
import type { Outcome } from '../engine/outcome.ts';
import type { RoomLedger } from '../engine/room-ledger.ts';
import { createMemoryJournal } from '../persistence/memory/journal.ts';
import { type Lane, openLane } from '../persistence/postgres/lane.ts';
import { migrate } from '../persistence/postgres/migrate.ts';
import { createRoomLedger } from '../persistence/postgres/room-ledger.ts';
import { realWorld, sha256 } from '../world.ts';
import { insertZone } from './contracts/catalogue.ts';
import { newId } from './contracts/event-sample.ts';
import { type Cut, openStoreLine, type StoreLine } from './store-line.ts';
import { startOwnStores } from './stores.ts';

const slots = 3;
const hourMs = 3_600_000;

describe('a waiting room over a real PostgreSQL', () => {
  let own: Awaited<ReturnType<typeof startOwnStores>>;
  beforeAll(async () => {
    own = await startOwnStores();
    await migrate(own.databaseUrl);
  });
  afterAll(() => own.stop());

  let line: StoreLine;
  let lane: Lane;
  let pool: pg.Pool;
  let ledger: RoomLedger;
  let actors: Actors;
  let room: LocalRoom;
  let jumpedMs: number;
  let doubts: string[];
  let passes: PassTerms[];
  /** By user: the place that they were told. */
  let places: Map<string, number>;

  beforeEach(async () => {
    [jumpedMs, doubts, passes, places] = [0, [], [], new Map()];
    line = await openStoreLine(own.databaseUrl);
    const timeouts = { statementTimeoutMs: 5_000, connectTimeoutMs: 2_000 };
    lane = openLane({ ...timeouts, databaseUrl: line.url, name: 'room' });
    pool = new pg.Pool({ connectionString: line.url, max: 4 });
    pool.on('error', () => {});
    const eventId = newId();
    const zone = { eventId, zoneId: newId(), capacity: 1_000, priceMinor: 100, currency: 'THB', maxPerUser: 4 };
    await insertZone(pool, zone);
    await pool.query(`update shows set sale_end_at = now() + interval '1 day' where event_id = $1`, [eventId]);
    const world = realWorld();
    const clock = { now: () => world.clock.now() + jumpedMs };
    ledger = createRoomLedger({ lane, pool, now: clock.now });
    actors = createActors({ ...world, clock }, createMemoryJournal(), {
      crashed: (_, error) => doubts.push(`crashed: ${error}`),
      abandoned: () => {},
    });
    room = startWaitingRoom(eventId, {
      actors,
      ledger,
      lease: async () => {},
      sha256,
      limits: { batchMax: 64, inboxMax: 10_000, tickMs: 100, newsPerTick: 1 },
      watch: { admitted: () => {}, doubted: (_, why) => doubts.push(why) },
      gone: () => {},
      handOn: () => {},
    });
    const nothing = () => {};
    const admitted = (pass: PassTerms) => passes.push(pass);
    room.subscribe({ anew: nothing, tick: nothing, admitted, left: nothing, personal: nothing });
    const open = { mode: 'open', maxConcurrent: slots, graceMs: 600_000, cause: 'a test' } as const;
    const opened = await new Promise((reply) => configure(room, open, reply));
    expect(opened).toMatchObject({ ok: true });
  });
  afterEach(async () => {
    actors.stopAll();
    await lane.close();
    await pool.end();
    await line.close();
  });

  /** Joins until it is answered with a place, as a client does, and notes it. */
  async function joinAs(userId = newId()): Promise<void> {
    await vi.waitFor(async () => {
      const who = { userId, accessCode: null };
      const outcome = await new Promise<Outcome<Joined>>((reply) => join(room, who, reply));
      if (!outcome.ok) throw new Error(outcome.rejection.code);
      const { standing } = outcome.value;
      places.set(userId, standing.stage === 'waiting' ? standing.place : Number.NaN);
    }, 25_000);
  }

  async function expectOrder(): Promise<void> {
    const log = await vi.waitFor(() => ledger.read(room.eventId, 0, 10_000), 10_000);
    const check = new FairnessCheck(sha256);
    for (const entry of log) check.add(entry);
    expect(check.findings).toEqual([]);
    const joins = new Map(log.flatMap(({ kind, userId, place }) => (kind === 'join' ? [[userId, place]] : [])));
    expect(joins.size).toBe(places.size);
    for (const userId of places.keys()) {
      const outcome = await new Promise<Outcome<Look>>((reply) => look(room, userId, reply));
      const standing = outcome.ok ? outcome.value.standing : null;
      const isAdmitted = Number(joins.get(userId)) <= slots;
      expect(standing?.stage).toBe(isAdmitted ? 'admitted' : 'waiting');
      if (standing?.stage === 'waiting') expect(standing.place).toBe(joins.get(userId));
      // Who was let in with their answer were told no place.
      const told = places.get(userId);
      if (told !== undefined && !Number.isNaN(told)) expect(joins.get(userId)).toBe(told);
    }
    const told = new Set(passes.map(({ userId }) => userId));
    expect([...told].map((userId) => joins.get(userId)).sort()).toEqual([1, 2, 3]);
  }

  it.each<Cut>(['before', 'after', 'middle'])('keeps everybody in place when its line is cut %s', async (when) => {
    await Promise.all([joinAs(), joinAs(), joinAs()]);
    for (let round = 0; round < 20; round++) {
      const cut = line.cutNext('append_queue_log', when);
      await Promise.all([joinAs(), joinAs(), joinAs(), cut]);
    }
    expect(doubts.filter((why) => why === 'the truth did not answer').length).toBeGreaterThanOrEqual(20);
    await expectOrder();
  });

  it('keeps everybody in place when PostgreSQL is killed and comes back while people join', async () => {
    await Promise.all(Array.from({ length: 200 }, () => joinAs()));
    const pid = Number.parseInt(readFileSync(pathOf(own.dataDir, 'postgres', 'postmaster.pid'), 'utf8'), 10);
    const during = Array.from({ length: 100 }, () => joinAs());
    process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), 10_000);
    await startOwnStores({ dataDir: own.dataDir });
    await Promise.all(during);
    expect(places.size).toBe(300);
    await expectOrder();
  });

  it('keeps everybody in place when the clock jumps an hour ahead and an hour back', async () => {
    await Promise.all(Array.from({ length: 20 }, () => joinAs()));
    for (const jump of [hourMs, -hourMs]) {
      jumpedMs += jump;
      const news = room.news;
      // The next ticks have seen the jump.
      await vi.waitFor(() => expect(room.news).not.toBe(news), 10_000);
      await Promise.all([joinAs(), joinAs()]);
    }
    const waiting = await new Promise<Outcome<Look>>((reply) => look(room, null, reply));
    // The three passes ended with the hour, and went on to the next three.
    expect(waiting.ok && waiting.value.news.waiting).toBe(24 - 2 * slots);
    const log = await ledger.read(room.eventId, 0, 10_000);
    const check = new FairnessCheck(sha256);
    for (const entry of log) check.add(entry);
    expect(check.findings).toEqual([]);
    expect(check.summary).toMatchObject({ joined: 24, admitted: 2 * slots, timedOut: 0 });
  });
});
