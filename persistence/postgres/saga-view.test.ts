/** Which sagas the reconciler is shown. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { statusOf } from '../../engine/saga.ts';
import type { Step } from '../../engine/saga-events.ts';
import { openDatabase } from '../../test/stores.ts';
import { createSagaView } from './saga-view.ts';

let database: Awaited<ReturnType<typeof openDatabase>>;
let pool: pg.Pool;

beforeAll(async () => {
  database = await openDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 2 });
});
beforeEach(() => pool.query('truncate saga_instances, bookings'));
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const nowMs = Date.parse('2027-03-01T12:00:00.000Z');
const text = (ms: number) => new Date(ms).toISOString();

interface Shown {
  readonly step: Step;
  /** Before `nowMs`. @default 10 000 */
  readonly quietForMs?: number;
  /** After `nowMs`. */
  readonly wakesInMs?: number;
  /** After `nowMs`. @default 600 000 */
  readonly holdEndsInMs?: number;
}

async function insertSaga({ step, quietForMs = 10_000, wakesInMs, holdEndsInMs = 600_000 }: Shown): Promise<string> {
  const [eventId, bookingId] = [randomUUID(), randomUUID()];
  await pool.query(
    `insert into saga_instances (event_id, booking_id, status, step, wake_at, updated_at) values ($1, $2, $3, $4, $5, $6)`,
    [
      ...[eventId, bookingId, statusOf(step), step],
      wakesInMs === undefined ? null : text(nowMs + wakesInMs),
      text(nowMs - quietForMs),
    ],
  );
  await pool.query(
    `insert into bookings (event_id, id, zone_id, user_id, idempotency_key, fingerprint, quantity, amount_minor,
                           currency, status, created_at, expires_at)
     values ($1, $2, gen_random_uuid(), gen_random_uuid(), '', '', 1, 1, 'THB', 'reserved', now(), $3)`,
    [eventId, bookingId, text(nowMs + holdEndsInMs)],
  );
  return bookingId;
}

describe('unfinished', () => {
  const unfinished = (beforeMs = nowMs - 5_000, max = 10) => createSagaView(pool).unfinished(beforeMs, max);

  it.each<Step>([
    'extend-hold',
    'open-intent',
    'confirm-booking',
    'issue-tickets',
    'send-notification',
    'reacquire',
    'refund',
    'write-off',
  ])('is a saga that stands at %s and is quiet', async (step) => {
    const bookingId = await insertSaga({ step });
    expect(await unfinished()).toEqual([bookingId]);
  });

  it.each<Step>(['idle', 'await-payment', 'done', 'refunded'])(
    'is not one at %s, which waits for nobody of ours',
    async (step) => {
      await insertSaga({ step });
      expect(await unfinished()).toEqual([]);
    },
  );

  it('is not one that moved just now, nor one that will try again by itself', async () => {
    await insertSaga({ step: 'refund', quietForMs: 4_000 });
    await insertSaga({ step: 'refund', wakesInMs: 20_000 });
    expect(await unfinished()).toEqual([]);
  });

  it('is, at the start of a process, every one: nobody else moves them', async () => {
    const [moved, waiting] = [
      await insertSaga({ step: 'refund', quietForMs: 1 }),
      await insertSaga({ step: 'refund', quietForMs: 0, wakesInMs: 5_000 }),
    ];
    expect(await unfinished(nowMs + 10_000)).toEqual([moved, waiting]);
  });

  it('comes with the quietest first, and not all at once', async () => {
    const bookingIds: string[] = [];
    for (const quietForMs of [30_000, 20_000, 10_000])
      bookingIds.push(await insertSaga({ step: 'refund', quietForMs }));
    expect(await unfinished(nowMs, 2)).toEqual(bookingIds.slice(0, 2));
  });
});

describe('about to run out unpaid', () => {
  const expiring = () => createSagaView(pool).expiringUnpaid(nowMs + 30_000, 10);

  it('is a hold that ends soon, or has ended within the hour, and whose payment is awaited', async () => {
    const [soon, over] = [
      await insertSaga({ step: 'await-payment', holdEndsInMs: 29_000 }),
      await insertSaga({ step: 'await-payment', holdEndsInMs: -3_500_000 }),
    ];
    await insertSaga({ step: 'await-payment', holdEndsInMs: 31_000 });
    await insertSaga({ step: 'await-payment', holdEndsInMs: -4_000_000 });
    await insertSaga({ step: 'open-intent', holdEndsInMs: 29_000 });
    await insertSaga({ step: 'done', holdEndsInMs: 29_000 });
    expect(await expiring()).toEqual([over, soon]);
  });
});
