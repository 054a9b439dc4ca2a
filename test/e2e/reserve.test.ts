/** Reserving over HTTP: the answer's contract, one booking a key, and who gets the last seats. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, BookingShown, Buyer } from '../buyer.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest } from '../node-under-test.ts';

let node: NodeUnderTest;
let sale: OnSale;
let buyer: Buyer;

beforeAll(async () => {
  node = await startNodeUnderTest();
  sale = await node.putOnSale({ zones: 2, seats: 1_000, maxPerUser: 1_000 });
  buyer = await node.newBuyer();
});
afterAll(async () => {
  expect(await node.findings()).toEqual([]);
  await node.close();
});

const order = (quantity = 1, { eventId, zoneId } = sale) => ({ event_id: eventId, zone_id: zoneId, quantity });
const replayed = (answer: Answer<unknown>) => answer.headers.get('idempotency-replayed');
const bookingsOf = async (zoneId: string) =>
  (await node.database.query('select id from bookings where zone_id = $1', [zoneId])).rowCount;

describe('the answer', () => {
  it('has exactly the fields that are promised', async () => {
    const held = await buyer.reserve(order(2));
    expect(held.status, held.text).toBe(201);
    expect(JSON.parse(held.text)).toEqual({
      success: true,
      data: {
        booking_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
        status: 'reserved',
        event_id: sale.eventId,
        zone_id: sale.zoneId,
        quantity: 2,
        seats: null,
        total_amount: 300_000,
        currency: 'THB',
        expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        expires_in_ms: 600_000,
        server_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      },
    });
    expect(replayed(held)).toBeNull();
    const { server_time, expires_at } = JSON.parse(held.text).data;
    expect(Date.parse(expires_at) - Date.parse(server_time)).toBe(600_000);
  });

  it('is what the booking then says', async () => {
    const held = await buyer.reserve(order(3));
    const { data } = await buyer.booking(held.data.booking_id);
    const { booking_id, status, quantity, total_amount, currency, expires_at } = held.data;
    expect(data).toMatchObject({ booking_id, status, quantity, total_amount, currency, expires_at });
  });

  it('ignores the price that a client names', async () => {
    const held = await buyer.reserve({ ...order(2), unit_price: 1 });
    expect(held.data.total_amount).toBe(300_000);
  });

  it('takes the show when it is the zone’s, and does not know the zone under another', async () => {
    expect((await buyer.reserve({ ...order(), show_id: sale.showId })).status).toBe(201);
    expect((await buyer.reserve({ ...order(), show_id: randomUUID() })).status).toBe(404);
  });
});

describe('one key', () => {
  it('gives the same answer to the byte, and says that it is a replay', async () => {
    const key = randomUUID();
    const first = await buyer.reserve(order(2), key);
    const second = await buyer.reserve(order(2), key);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.text).toBe(first.text);
    expect([replayed(first), replayed(second)]).toEqual([null, 'true']);
  });

  it('still does after the booking has changed', async () => {
    const key = randomUUID();
    const first = await buyer.reserve(order(), key);
    await buyer.cancel(first.data.booking_id);
    expect((await buyer.reserve(order(), key)).text).toBe(first.text);
  });

  it('refuses another quantity, and another zone of the event', async () => {
    const key = randomUUID();
    await buyer.reserve(order(), key);
    for (const other of [order(2), { ...order(), zone_id: sale.zoneIds[1] ?? '' }]) {
      const refused = await buyer.reserve(other, key);
      expect([refused.status, refused.error.code]).toEqual([422, 'IDEMPOTENCY_MISMATCH']);
    }
  });

  it('is required, and at most 255 characters long', async () => {
    const init = (key?: string) => ({
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(key === undefined ? {} : { 'Idempotency-Key': key }) },
      body: JSON.stringify(order()),
    });
    for (const key of [undefined, '']) {
      const refused = await buyer.ask<unknown>('/bookings/reserve', init(key));
      expect([refused.status, refused.error.code]).toEqual([400, 'IDEMPOTENCY_KEY_REQUIRED']);
    }
    expect((await buyer.ask('/bookings/reserve', init('k'.repeat(255)))).status).toBe(201);
    const tooLong = await buyer.ask('/bookings/reserve', init('k'.repeat(256)));
    expect([tooLong.status, tooLong.error.code]).toEqual([400, 'VALIDATION_ERROR']);
  });

  it('may come under its other name, and need not be a UUID', async () => {
    const key = `order #42 of ${buyer.userId}`;
    const headers = { 'Content-Type': 'application/json', 'X-Idempotency-Key': key };
    const body = JSON.stringify(order());
    const aliased = await buyer.ask<BookingShown>('/bookings/reserve', { method: 'POST', headers, body });
    expect(aliased.status).toBe(201);
    expect((await buyer.reserve(order(), key)).text).toBe(aliased.text);
  });

  it('used fifty times at the same instant makes one booking, and everybody hears of it', async () => {
    const here = await node.putOnSale();
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 50 }, () => buyer.reserve(order(1, here), key)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(201);
    expect(answers.filter((answer) => replayed(answer) === null)).toHaveLength(1);
    expect(await bookingsOf(here.zoneId)).toBe(1);
  });

  it('is tried afresh after a refusal, for seats may return', async () => {
    const here = await node.putOnSale({ seats: 1 });
    const other = await node.newBuyer();
    const inTheWay = await other.hold(order(1, here));
    const key = randomUUID();
    expect((await buyer.reserve(order(1, here), key)).error.code).toBe('INSUFFICIENT_STOCK');
    await other.cancel(inTheWay);
    const again = await buyer.reserve(order(1, here), key);
    expect([again.status, replayed(again)]).toEqual([201, null]);
  });

  it('of another user is another key', async () => {
    const other = await node.newBuyer();
    const key = randomUUID();
    const [mine, theirs] = [await buyer.reserve(order(), key), await other.reserve(order(2), key)];
    expect([mine.status, theirs.status]).toEqual([201, 201]);
    expect(mine.data.booking_id).not.toBe(theirs.data.booking_id);
  });

  it('of another event is another key', async () => {
    const elsewhere = await node.putOnSale();
    const key = randomUUID();
    const [here, there] = [await buyer.reserve(order(), key), await buyer.reserve(order(1, elsewhere), key)];
    expect(there.status).toBe(201);
    expect(there.data.booking_id).not.toBe(here.data.booking_id);
  });

  it('outlives the node', async () => {
    const key = randomUUID();
    const first = await buyer.reserve(order(), key);
    await node.stop();
    await node.start();
    const second = await buyer.reserve(order(), key);
    expect([second.text, replayed(second)]).toEqual([first.text, 'true']);
  });
});

describe('seats', () => {
  it('that are too few are refused with what is left', async () => {
    const here = await node.putOnSale({ seats: 3 });
    await buyer.hold(order(2, here));
    const refused = await buyer.reserve(order(2, here));
    expect(refused.status).toBe(409);
    expect(refused.error).toMatchObject({
      code: 'INSUFFICIENT_STOCK',
      details: { requested: 2, available: 1, held_may_return: 2 },
    });
  });

  it('the last one goes to exactly one of a hundred buyers', async () => {
    const here = await node.putOnSale({ seats: 1 });
    const buyers = await node.crowd(100);
    const answers = await Promise.all(buyers.map((each) => each.reserve(order(1, here))));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ error }) => error?.code === 'INSUFFICIENT_STOCK')).toHaveLength(99);
    expect(await bookingsOf(here.zoneId)).toBe(1);
  });

  it('count against the limit over all zones of the event', async () => {
    const here = await node.putOnSale({ zones: 2, maxPerUser: 4 });
    const inZone = (at: number, quantity: number) =>
      buyer.reserve({ event_id: here.eventId, zone_id: here.zoneIds[at] ?? '', quantity });
    expect((await inZone(0, 3)).status).toBe(201);
    const refused = await inZone(1, 2);
    expect([refused.status, refused.error.code]).toEqual([409, 'MAX_PER_USER_EXCEEDED']);
    expect(refused.error.details).toEqual({ max: 4, current: 3, requested: 2 });
    expect((await inZone(1, 1)).status).toBe(201);
    expect(await buyer.seatsLeft(here.eventId)).toBe(0);
  });

  it('asked for in two zones at the same instant still count together', async () => {
    const here = await node.putOnSale({ zones: 2, maxPerUser: 4 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        buyer.reserve({ event_id: here.eventId, zone_id: here.zoneIds[i % 2] ?? '', quantity: 1 }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(4);
  });
});

describe('a client that does not wait for its answer', () => {
  it('has its booking all the same, and its key tells', async () => {
    const here = await node.putOnSale();
    const key = randomUUID();
    const leaving = new AbortController();
    const { token } = buyer;
    // The zone's row is locked: the batch is judged and its commit waits, so the client leaves before its answer.
    const lock = await node.database.connect();
    await lock.query('begin');
    await lock.query('select from zones where id = $1 for update', [here.zoneId]);
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}`, 'Idempotency-Key': key };
    const body = JSON.stringify(order(2, here));
    const left = fetch(`${node.url()}/api/v1/bookings/reserve`, {
      method: 'POST',
      headers,
      body,
      signal: leaving.signal,
    });
    await expect.poll(() => waitingForLocks(), { timeout: 10_000 }).toBeGreaterThan(0);
    leaving.abort();
    await expect(left).rejects.toThrow();
    await lock.query('rollback');
    lock.release();
    const answer = await buyer.reserve(order(2, here), key);
    expect(answer.status).toBe(201);
    expect(await bookingsOf(here.zoneId)).toBe(1);
    expect(answer.data.quantity).toBe(2);
  });
});

async function waitingForLocks(): Promise<number> {
  const text = `select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return (await node.database.query(text)).rows[0].waiting;
}
