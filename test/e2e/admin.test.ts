/** What an operator sees and repairs, over HTTP. */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signAccessToken } from '../../http/auth.ts';
import { zoneKey } from '../../persistence/redis/keys.ts';
import { type Answer, type Buyer, buyerWith, eventually } from '../buyer.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest, tokenSecret } from '../node-under-test.ts';
import { payWithCard } from '../sandbox-buyer.ts';
import { openRedis } from '../stores.ts';

let node: NodeUnderTest;
let sale: OnSale;
let buyer: Buyer;
let admin: Buyer;

beforeAll(async () => {
  node = await startNodeUnderTest();
  sale = await node.putOnSale({ maxPerUser: 1_000 });
  buyer = await node.newBuyer();
  admin = await as('admin');
});
afterAll(async () => {
  expect(await node.findings()).toEqual([]);
  await node.close();
});

async function as(role: 'admin' | 'organizer' | 'user'): Promise<Buyer> {
  const user = { id: randomUUID(), role, tokenId: randomUUID() };
  const token = await signAccessToken(tokenSecret, user, { nowMs: Date.now(), ttlSeconds: 900 });
  return buyerWith(node.url, { userId: user.id, token });
}

const hold = (quantity = 1, { eventId, zoneId } = sale) => buyer.hold({ event_id: eventId, zone_id: zoneId, quantity });

async function bought(): Promise<string> {
  const bookingId = await hold();
  const { client_secret } = (await buyer.pay(bookingId)).data;
  await payWithCard(node.shop.sandbox.url, client_secret, '4242424242424242');
  await eventually(async () => expect(await buyer.tickets(bookingId)).toHaveLength(1));
  return bookingId;
}

it('is nobody’s business but an admin’s', async () => {
  const gets = ['/admin/sagas', '/admin/dead-letters', '/admin/inventory-status', '/admin/audit'];
  const posts = [
    `/admin/sagas/${randomUUID()}/retry`,
    `/admin/dead-letters/${randomUUID()}/replay`,
    '/admin/sync-inventory',
  ];
  for (const who of [await as('user'), await as('organizer')]) {
    for (const path of gets) expect((await who.ask(path)).status).toBe(403);
    for (const path of posts) expect((await who.post(path)).status).toBe(403);
  }
});

it('finds in the audit log who changed what', async () => {
  const chief = await as('admin');
  await chief.ask('/admin/sagas');
  const { headers } = await chief.post('/admin/sync-inventory', { event_id: sale.eventId });
  const text = 'select action, details from audit_logs where actor_id = $1';
  const details = { request_id: headers.get('x-request-id'), event_id: sale.eventId };
  expect((await node.database.query(text, [chief.userId])).rows).toEqual([
    { action: 'POST /api/v1/admin/sync-inventory', details },
  ]);
});

describe('sagas', () => {
  it('are listed by their status, page by page', async () => {
    const bookings = [await bought(), await bought(), await bought()];
    await eventually(async () => {
      const shown: string[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const path: string = `/admin/sagas?status=completed&limit=2${cursor && `&cursor=${cursor}`}`;
        const page: Answer<{ booking_id: string }[]> = await admin.ask(path);
        shown.push(...page.data.map(({ booking_id }) => booking_id));
        cursor = page.meta.next_cursor;
      }
      expect(new Set(shown)).toEqual(new Set(bookings));
      expect(shown).toHaveLength(bookings.length);
    });
  });

  it('that wait for another try are tried when the operator says so', async () => {
    const bookingId = await bought();
    // The provider is away: the money cannot be returned, and each try waits longer than the last.
    const lost = node.line.cutAnswers(/^\/v1\/payment_intents\/[^/]+$/, 1_000);
    void lost.catch(() => {});
    await buyer.cancel(bookingId);
    await eventually(async () => {
      const { data } = await admin.ask<{ booking_id: string; attempts: number; step: string; error: string }[]>(
        '/admin/sagas?status=compensating',
      );
      expect(data).toMatchObject([{ booking_id: bookingId, step: 'return-money' }]);
      expect(data[0]?.attempts).toBeGreaterThanOrEqual(4);
      expect((await admin.post(`/admin/sagas/${bookingId}/retry`)).status).toBe(202);
    });
    const letters = await admin.ask<{ key: string; event: unknown }[]>('/admin/dead-letters');
    expect(letters.data).toMatchObject([{ key: bookingId, event: { step: 'return-money' } }]);
    node.line.heal();
    await eventually(async () => {
      await admin.post(`/admin/sagas/${bookingId}/retry`);
      expect(await node.chargesOf(bookingId)).toMatchObject([{ amount: 150_000, refunded: 150_000 }]);
    });
    // What got on by itself needs nobody's attention any more.
    await eventually(async () => expect((await admin.ask<unknown[]>('/admin/dead-letters')).data).toEqual([]));
  });

  it('that are not there cannot be tried', async () => {
    expect((await admin.post(`/admin/sagas/${randomUUID()}/retry`)).status).toBe(404);
  });
});

describe('dead letters', () => {
  it('are processed again, and resolved only when that went well', async () => {
    const bookingId = await hold();
    const { client_secret } = (await buyer.pay(bookingId)).data;
    const intentId = client_secret.split('_secret_')[0] ?? '';
    const foreign = `pi_${randomUUID()}`;
    expect(await node.forge({ intentId: foreign, bookingId })).toBe(200);
    const letter = await eventually(async () => {
      const { data } = await admin.ask<{ id: string; key: string }[]>('/admin/dead-letters');
      expect(data).toHaveLength(1);
      return data[0];
    });
    expect(letter?.key).toBe(bookingId);
    const again = await admin.post(`/admin/dead-letters/${letter?.id}/replay`);
    expect([again.status, again.error.code]).toEqual([409, 'INVALID_STATE']);
    // The operator learns that it was this intent after all.
    await node.database.query(`update dead_letters set event = replace(event, $1, $2) where resolved_at is null`, [
      foreign,
      intentId,
    ]);
    await node.shop.setFaults({ drop: true });
    await payWithCard(node.shop.sandbox.url, client_secret, '4242424242424242');
    await node.shop.setFaults({});
    expect((await admin.post(`/admin/dead-letters/${letter?.id}/replay`)).status).toBe(200);
    await buyer.sees(bookingId, 'confirmed');
    expect((await admin.ask<unknown[]>('/admin/dead-letters')).data).toEqual([]);
    expect((await admin.post(`/admin/dead-letters/${letter?.id}/replay`)).status).toBe(404);
  });
});

describe('dead letters of a topic that sagas write', () => {
  const park = (key: string, consumer: string, event: string) =>
    node.database.query(
      `insert into dead_letters (id, topic, key, consumer, event, error, attempts)
       values (gen_random_uuid(), 'saga-commands', $1, $2, $3, 'parked by a test', 6)`,
      [key, consumer, event],
    );

  it('are their consumer’s: no saga resolves them by moving on, and to replay one is to hand it to that consumer', async () => {
    const bookingId = await hold();
    const { client_secret } = (await buyer.pay(bookingId)).data;
    const type = 'saga.notification.send';
    const data = { event_id: sale.eventId, user_id: buyer.userId };
    await park(bookingId, 'notifier', JSON.stringify({ id: randomUUID(), type, subject: bookingId, data }));
    await park('unknown', 'log-follower', '{"no envelope and no JSON');
    await payWithCard(node.shop.sandbox.url, client_secret, '4242424242424242');
    await buyer.sees(bookingId, 'confirmed');
    const notes = async (sql: string) => (await node.database.query(`${sql} where booking_id = $1`, [bookingId])).rows;
    await eventually(async () => expect(await notes('select 1 from notifications')).toHaveLength(1));
    await notes('delete from notifications');

    const { status, data: letters } = await admin.ask<{ id: string; consumer: string }[]>('/admin/dead-letters');
    expect(status).toBe(200);
    expect(letters).toMatchObject([
      { consumer: 'notifier', event: { type } },
      { consumer: 'log-follower', event: '{"no envelope and no JSON' },
    ]);
    const replayed = letters.map(({ id }) => admin.post(`/admin/dead-letters/${id}/replay`));
    expect((await Promise.all(replayed)).map((answer) => answer.status)).toEqual([200, 409]);
    expect(await notes('select 1 from notifications')).toHaveLength(1);
    await node.database.query('update dead_letters set resolved_at = now() where resolved_at is null');
  });
});

interface Counted {
  readonly zone_id: string;
  readonly postgres: { readonly available: number };
  readonly redis: { readonly available: number } | null;
  readonly agrees: boolean;
}

describe('the seats', () => {
  const statusOf = async ({ eventId }: OnSale) =>
    (await admin.ask<Counted[]>(`/admin/inventory-status?event_id=${eventId}`)).data;

  it('are shown as both stores count them, and made to agree', async () => {
    const here = await node.putOnSale({ seats: 10, maxPerUser: 10 });
    await hold(3, here);
    await eventually(async () =>
      expect(await statusOf(here)).toMatchObject([
        { postgres: { available: 7 }, redis: { available: 7 }, agrees: true },
      ]),
    );
    const redis = new Redis(await openRedis());
    await redis.hset(zoneKey(here.eventId, here.zoneId), 'available', 9, 'held', 1);
    redis.disconnect();
    expect(await statusOf(here)).toMatchObject([
      { postgres: { available: 7 }, redis: { available: 9 }, agrees: false },
    ]);
    const synced = await admin.post<{ rebuilt_event_ids: string[] }>('/admin/sync-inventory');
    expect(synced.data.rebuilt_event_ids).toEqual([here.eventId]);
    expect(await statusOf(here)).toMatchObject([{ redis: { available: 7 }, agrees: true }]);
    // And the zone sells on, to exactly zero.
    await hold(7, here);
    expect((await admin.post('/admin/sync-inventory', { event_id: randomUUID() })).status).toBe(404);
    const forced = await admin.post<{ rebuilt_event_ids: string[] }>('/admin/sync-inventory', {
      event_id: here.eventId,
    });
    expect(forced.data.rebuilt_event_ids).toEqual([here.eventId]);
    expect(await statusOf(here)).toMatchObject([{ postgres: { available: 0 }, redis: { available: 0 }, agrees: true }]);
  });
});

it('audits while sales go on', async () => {
  await bought();
  const answers = await Promise.all([1, 2].map(() => admin.ask<{ clean: boolean; checks: unknown[] }>('/admin/audit')));
  for (const { status, data } of answers) {
    expect([status, data.clean]).toEqual([200, true]);
    expect(data.checks).toHaveLength(7);
  }
});
