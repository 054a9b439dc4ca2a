/** The outbox and the lock of its relay in PostgreSQL: commits in any order, dead letters, a relay that dies. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startEventBus } from '../../actors/event-bus.ts';
import { createActors } from '../../actors/kit.ts';
import type { EventConsumer } from '../../engine/event-log.ts';
import { accept } from '../../engine/outcome.ts';
import { eventually } from '../../test/buyer.ts';
import { openDatabase } from '../../test/stores.ts';
import { realWorld } from '../../world.ts';
import { createMemoryJournal } from '../memory/journal.ts';
import { createOutbox, outboxAgeSeconds, outboxBacklog } from './outbox.ts';
import { createRelayLock } from './relay-lock.ts';

let database: Awaited<ReturnType<typeof openDatabase>>;
let pool: pg.Pool;

beforeAll(async () => {
  database = await openDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 12 });
  pool.on('error', () => {});
});
beforeEach(() => pool.query('truncate outbox, dead_letters'));
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const write = (client: pg.Pool | pg.PoolClient, id: string) =>
  client.query(`insert into outbox (topic, events) values ('booking-events', $1)`, [
    JSON.stringify([{ id, type: 'said', subject: id.split(':')[0] }]),
  ]);

/** A relay on the real tables that notes what it delivers. */
function relay(): { readonly ids: string[]; stop(): Promise<void> } {
  const ids: string[] = [];
  const watch = { crashed: () => {}, abandoned: () => {} };
  const actors = createActors(realWorld(), createMemoryJournal(), watch);
  const consumer: EventConsumer = {
    name: 'reader',
    topic: 'booking-events',
    types: new Set(['said']),
    eventsMax: 1,
    async handle([event]) {
      if (event) ids.push(event.id);
      return accept(null);
    },
  };
  const lock = createRelayLock(database.url);
  const events = { outbox: createOutbox(pool), lock, log: null, consumers: [consumer] };
  startEventBus({ actors, ...events, watch: { delivered: () => {}, failed: () => {} } });
  return {
    ids,
    async stop() {
      actors.stopAll();
      await lock.close();
    },
  };
}

describe('the outbox', () => {
  it('misses nothing when transactions commit in another order than they wrote', async () => {
    const reader = relay();
    const [early, late] = await Promise.all([pool.connect(), pool.connect()]);
    try {
      for (const client of [early, late]) await client.query('begin');
      await write(early, 'early:1');
      await write(late, 'late:1');
      await late.query('commit');
      await eventually(() => expect(reader.ids).toEqual(['late:1']));
      await eventually(async () => expect(await outboxBacklog(pool)).toBe(0));
      await early.query('commit');
      await eventually(() => expect(reader.ids).toEqual(['late:1', 'early:1']));
    } finally {
      for (const client of [early, late]) client.release();
      await reader.stop();
    }
  });

  it('delivers what 8 writers commit, and only that, in order of each key, past a transaction that stays open', async () => {
    const reader = relay();
    const idle = await pool.connect();
    const committed: string[] = [];
    const writer = async (key: string) => {
      const client = await pool.connect();
      for (let number = 1; number <= 40; number++) {
        await client.query('begin');
        await write(client, `${key}:${number}`);
        await client.query('select pg_sleep(random() * 0.005)');
        const kept = Math.random() < 0.9;
        await client.query(kept ? 'commit' : 'rollback');
        if (kept) committed.push(`${key}:${number}`);
      }
      client.release();
    };
    try {
      await idle.query('begin');
      await write(idle, 'idle:1');
      await Promise.all(Array.from({ length: 8 }, (_, at) => writer(`w${at}`)));
      await eventually(() => expect([...reader.ids].sort()).toEqual([...committed].sort()));
      for (let at = 0; at < 8; at++) {
        const ofKey = (ids: readonly string[]) => ids.filter((id) => id.startsWith(`w${at}:`));
        expect(ofKey(reader.ids)).toEqual(ofKey(committed));
      }
    } finally {
      await idle.query('rollback');
      idle.release();
      await reader.stop();
    }
  });

  it('knows how much waits, and for how long', async () => {
    expect([await outboxBacklog(pool), await outboxAgeSeconds(pool)]).toEqual([0, 0]);
    await write(pool, 'a:1');
    await write(pool, 'a:2');
    await pool.query(`update outbox set created_at = now() - interval '1 hour' where events like '%a:1%'`);
    expect(await outboxBacklog(pool)).toBe(2);
    expect(await outboxAgeSeconds(pool)).toBeGreaterThanOrEqual(3_600);
  });
});

describe('two relays', () => {
  it('work one at a time, and the second takes over when the session of the first ends', async () => {
    const first = relay();
    await write(pool, 'a:1');
    await eventually(() => expect(first.ids).toEqual(['a:1']));
    const second = relay();
    try {
      await write(pool, 'a:2');
      await eventually(() => expect(first.ids).toEqual(['a:1', 'a:2']));
      // What it has delivered and not marked yet, another would deliver again.
      await eventually(async () => expect(await outboxBacklog(pool)).toBe(0));
      await first.stop();
      await write(pool, 'a:3');
      await eventually(() => expect(second.ids).toEqual(['a:3']));
      expect(first.ids).toEqual(['a:1', 'a:2']);
    } finally {
      await second.stop();
    }
  });

  it('are told when they have lost their right', async () => {
    const [lock, other] = [createRelayLock(database.url), createRelayLock(database.url)];
    let lost = 0;
    const take = (of: typeof lock) => of.take(() => lost++);
    try {
      expect(await take(lock)).toBe(true);
      expect(await take(lock)).toBe(true);
      expect(await take(other)).toBe(false);
      await pool.query(
        `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and objid = 7310002`,
      );
      await eventually(() => expect(lost).toBe(1));
      await eventually(async () => expect(await take(other)).toBe(true));
      expect(await take(lock)).toBe(false);
    } finally {
      await Promise.all([lock.close(), other.close()]);
    }
  });
});

describe('a dead letter', () => {
  const event = JSON.stringify({ id: 'e-1', type: 'said', subject: 'key' });
  const letter = { topic: 'booking-events', key: 'key', consumer: 'c', event, error: 'of no use', attempts: 6 };
  const told = async () => {
    const { rows } = await pool.query('select topic, events from outbox order by seq');
    return rows.map(({ topic, events }) => ({ topic, ...JSON.parse(events)[0] }));
  };

  it('is kept once and told each time, and is open again when it comes back', async () => {
    const { deadLetter } = createOutbox(pool);
    await deadLetter(letter);
    await pool.query('update dead_letters set resolved_at = now()');
    await deadLetter({ ...letter, error: 'still of no use', attempts: 1 });
    const { rows } = await pool.query('select * from dead_letters');
    expect(rows).toMatchObject([{ ...letter, error: 'still of no use', attempts: 7, resolved_at: null }]);
    // Routes refuse what is not a UUID of a known version.
    expect(rows[0].id).toMatch(/^.{14}8.{4}8/);
    const data = { dead_letter_id: rows[0].id, topic: 'booking-events', consumer: 'c', event };
    const envelope = { topic: 'onsale.dlq', type: 'dead-letter', source: 'onsale', subject: 'key' };
    expect(await told()).toEqual([
      {
        ...envelope,
        id: `dead-letter:${rows[0].id}:6`,
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        data: { ...data, error: 'of no use', attempts: 6 },
      },
      expect.objectContaining({ id: `dead-letter:${rows[0].id}:7` }),
    ]);
  });

  it('can be of anything that a log may hold', async () => {
    const { deadLetter } = createOutbox(pool);
    const longKey = Array.from({ length: 500 }, () => randomUUID()).join();
    await deadLetter({ ...letter, key: `\0${longKey}`, event: 'no \0 envelope', error: 'no \0 either' });
    const { rows } = await pool.query('select key, event, error from dead_letters');
    const key = `\ufffd${longKey.slice(0, 499)}`;
    expect(rows).toEqual([{ key, event: 'no \ufffd envelope', error: 'no \ufffd either' }]);
  });

  it('is small in the topic, and has none of its own', async () => {
    const { deadLetter } = createOutbox(pool);
    await deadLetter({ ...letter, event: 'x'.repeat(2_000_000) });
    await deadLetter({ ...letter, topic: 'onsale.dlq' });
    expect(await told()).toMatchObject([{ data: { event: null } }]);
    expect((await pool.query('select 1 from dead_letters')).rows).toHaveLength(2);
  });
});
