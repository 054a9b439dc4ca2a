/** The journal over a real PostgreSQL: what is committed together, what is refused alone, and what it means in tables. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Journal } from '../../engine/ports.ts';
import type { News } from '../../engine/saga-decisions.ts';
import type { SagaEvent } from '../../engine/saga-events.ts';
import { openDatabase } from '../../test/stores.ts';
import { createJournal } from './journal.ts';
import { openPool } from './pool.ts';

let database: Awaited<ReturnType<typeof openDatabase>>;
let pool: pg.Pool;
let journal: Journal;

beforeAll(async () => {
  database = await openDatabase();
  pool = openPool({ databaseUrl: database.url, connectionsMax: 4, statementTimeoutMs: 10_000, failed: () => {} });
  journal = createJournal(pool);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const keyOf = (bookingId: string) => `booking:${bookingId}`;
const event = (bookingId: string, news: News, atMs = 1_700_000_000_000) =>
  ({ ...news, bookingId, eventId: randomUUID(), atMs }) as SagaEvent;
const record = (bookingId: string, seq: number, ...news: readonly News[]) => ({
  key: keyOf(bookingId),
  seq,
  events: news.map((each) => event(bookingId, each)),
});
const opened = (): News => ({
  type: 'intent-opened',
  paymentId: randomUUID(),
  userId: randomUUID(),
  provider: 'stripe',
  amountMinor: 9_007_199_254_740_991,
  currency: 'THB',
  intentId: `pi_${randomUUID()}`,
  clientSecret: 'secret',
});
const rowsOf = async (table: string, bookingId: string) =>
  (await pool.query(`select * from ${table} where booking_id = $1`, [bookingId])).rows;

describe('what is appended', () => {
  it('is read again as it was, in order, from where one likes', async () => {
    const id = randomUUID();
    const [one, two] = [record(id, 1, { type: 'hold-extended' }, opened()), record(id, 2, { type: 'notified' })];
    await journal.append(one);
    await journal.append(two);
    await journal.append(record(randomUUID(), 1, { type: 'notified' }));
    expect(await journal.read(keyOf(id), 0)).toEqual([one, two]);
    expect(await journal.read(keyOf(id), 1)).toEqual([two]);
    expect(await journal.read(keyOf(id), 2)).toEqual([]);
  });

  it('at the same time is committed together', async () => {
    const ids = Array.from({ length: 100 }, () => randomUUID());
    await Promise.all(ids.map((id) => journal.append(record(id, 1, { type: 'notified' }))));
    const text =
      'select count(*)::int as rows, count(distinct xmin::text)::int as commits from actor_events where key = any ($1)';
    const { rows } = await pool.query(text, [ids.map(keyOf)]);
    expect(rows).toEqual([{ rows: 100, commits: 2 }]);
  });

  it('by many is read by many at once, each its own', async () => {
    const [one, none, two] = [randomUUID(), randomUUID(), randomUUID()];
    const records = [record(one, 1, { type: 'notified' }), record(two, 1, { type: 'hold-extended' }, opened())];
    await Promise.all(records.map((each) => journal.append(each)));
    const reads = [one, none, two, two].map((id, index) => journal.read(keyOf(id), index === 3 ? 1 : 0));
    expect(await Promise.all(reads)).toEqual([[records[0]], [], [records[1]], []]);
  });

  it('begins with the version of its packing, and one that is not known is not guessed', async () => {
    const id = randomUUID();
    await journal.append(record(id, 1, { type: 'notified' }));
    const { rows } = await pool.query('select get_byte(data, 0) as version from actor_events where key = $1', [
      keyOf(id),
    ]);
    expect(rows).toEqual([{ version: 1 }]);
    await pool.query('update actor_events set data = set_byte(data, 0, 2) where key = $1', [keyOf(id)]);
    await expect(journal.read(keyOf(id), 0)).rejects.toThrow('unknown version 2');
  });
});

describe('a number that is taken', () => {
  it('is refused, with all that its events would have meant, and its neighbours are not', async () => {
    const [zombie, left, right] = [randomUUID(), randomUUID(), randomUUID()];
    await journal.append(record(zombie, 1, { type: 'hold-extended' }));
    const outcomes = await Promise.allSettled([
      journal.append(record(left, 1, opened())),
      journal.append(record(zombie, 1, opened())),
      journal.append(record(right, 1, opened())),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const payments = [
      await rowsOf('payments', left),
      await rowsOf('payments', zombie),
      await rowsOf('payments', right),
    ];
    expect(payments.map((rows) => rows.length)).toEqual([1, 0, 1]);
    expect(await journal.read(keyOf(zombie), 0)).toMatchObject([{ events: [{ type: 'hold-extended' }] }]);
    expect(await rowsOf('saga_instances', zombie)).toMatchObject([{ step: 'open-intent' }]);
  });

  it('by two writers at once goes to one of them', async () => {
    const id = randomUUID();
    const other = createJournal(pool);
    const outcomes = await Promise.allSettled([
      journal.append(record(id, 1, { type: 'notified' })),
      other.append(record(id, 1, { type: 'hold-gone' })),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await journal.read(keyOf(id), 0)).toHaveLength(1);
  });
});

it.each([
  ['nothing where a text belongs', { intentId: undefined }],
  ['no number', { amountMinor: Number.NaN }],
  ['a part of a minor unit', { amountMinor: 0.5 }],
  ['no UUID', { userId: 'somebody' }],
  ['a text that PostgreSQL has no room for', { redirectUrl: 'https://provider.test/\0' }],
])('what cannot be written down (%s) does not fail its neighbours', async (_what, fault) => {
  const [broken, left, right] = [randomUUID(), randomUUID(), randomUUID()];
  const unreadable = { ...opened(), ...fault } as unknown as News;
  const outcomes = await Promise.allSettled([
    journal.append(record(left, 1, opened())),
    journal.append(record(broken, 1, unreadable)),
    journal.append(record(right, 1, opened())),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(await journal.read(keyOf(broken), 0)).toEqual([]);
});

describe('in tables', () => {
  it('a saga stands where its last event left it', async () => {
    const id = randomUUID();
    const eventId = randomUUID();
    const at = (news: News, atMs: number) => ({ ...event(id, news, atMs), eventId }) as SagaEvent;
    const failed: News = { type: 'step-failed', step: 'refund', attempt: 2, error: 'no answer', retryAtMs: 5_000 };
    const events = [at({ type: 'hold-missing' }, 1_000), at(failed, 2_000)];
    await journal.append({ key: keyOf(id), seq: 1, events });
    const shown = { status: 'compensating', step: 'refund', attempts: 2, error: 'no answer' };
    expect(await rowsOf('saga_instances', id)).toMatchObject([{ ...shown, wake_at: new Date(5_000) }]);
    await journal.append({ key: keyOf(id), seq: 2, events: [at({ type: 'written-off' }, 6_000)] });
    const after = { status: 'refunded', step: 'refunded', attempts: 0, error: null, wake_at: null };
    expect(await rowsOf('saga_instances', id)).toMatchObject([{ ...after, updated_at: new Date(6_000) }]);
  });

  it('a step that was given up is a dead letter', async () => {
    const id = randomUUID();
    await journal.append(record(id, 1, { type: 'step-skipped', step: 'send-notification', error: 'no mail today' }));
    const { rows } = await pool.query('select consumer, event, error from dead_letters where key = $1', [id]);
    expect(rows).toEqual([{ consumer: 'booking-saga', event: '{"step":"send-notification"}', error: 'no mail today' }]);
  });

  it('a ticket that was issued before is not issued again: the whole decision is refused', async () => {
    const id = randomUUID();
    const eventId = randomUUID();
    const issue = (...codes: string[]) => {
      const news: News = { type: 'tickets-issued', zoneId: randomUUID(), userId: randomUUID(), codes };
      return [{ ...event(id, news), eventId } as SagaEvent];
    };
    await journal.append({ key: keyOf(id), seq: 1, events: issue(randomUUID(), randomUUID()) });
    await expect(journal.append({ key: keyOf(id), seq: 2, events: issue(randomUUID()) })).rejects.toThrow(
      'duplicate key',
    );
    expect((await rowsOf('tickets', id)).map(({ number }) => number)).toEqual([1, 2]);
    expect(await journal.read(keyOf(id), 0)).toHaveLength(1);
  });
});

it('goes on after PostgreSQL has ended its connections', async () => {
  const id = randomUUID();
  await journal.append(record(id, 1, { type: 'hold-extended' }));
  await pool.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
  const appended = () =>
    journal.append(record(id, 2, { type: 'notified' })).then(
      () => true,
      () => false,
    );
  await expect.poll(appended, { timeout: 10_000 }).toBe(true);
  expect(await journal.read(keyOf(id), 0)).toHaveLength(2);
});
