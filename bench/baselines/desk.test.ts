/** Every baseline keeps the rules that Onsale keeps: a peer that does less would win by doing less. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insertSeed, type Seed } from '../../persistence/postgres/seed.ts';
import { openDatabase, openRedis } from '../../test/stores.ts';
import { checkConservation } from '../conservation.ts';
import { baselines } from './baseline.ts';
import { type Desk, openOffice, type Wanted } from './desk.ts';

const seed = (): Seed => ({
  ...{ eventId: randomUUID(), showId: randomUUID(), tenantId: randomUUID(), waitingRoom: 'off' },
  zoneIds: [randomUUID(), randomUUID()],
  userIds: [randomUUID(), randomUUID()],
  ...{ seatsPerZone: 5, priceMinor: 700, maxPerUser: 4 },
});

describe.each(Object.entries(baselines))('the baseline %s', (name, openDesk) => {
  let desk: Desk;
  let sale: Seed;
  let database: Awaited<ReturnType<typeof openDatabase>>;

  beforeAll(async () => {
    database = await openDatabase();
    sale = seed();
    await insertSeed(database.url, sale);
    const stores = { databaseUrl: database.url, redisUrl: await openRedis() };
    desk = await openDesk(await openOffice(stores), stores);
  });
  afterAll(async () => {
    await desk.close();
    await database.drop();
  });

  const wanted = (part: Partial<Wanted>): Wanted => ({
    ...{ userId: sale.userIds[0] ?? '', eventId: sale.eventId, zoneId: sale.zoneIds[0] ?? '' },
    ...{ quantity: 1, key: randomUUID() },
    ...part,
  });
  const codeOf = async (asked: Partial<Wanted>) => {
    const outcome = await desk.reserve(wanted(asked));
    return outcome.ok ? 'reserved' : outcome.rejection.code;
  };

  it('gives a key its first answer again, and refuses it for something else', async () => {
    const first = await desk.reserve(wanted({ key: 'same', quantity: 2 }));
    const again = await desk.reserve(wanted({ key: 'same', quantity: 2 }));
    expect(first).toMatchObject({
      ok: true,
      value: { quantity: 2, amountMinor: 1_400, currency: 'THB', replayed: false },
    });
    expect(again).toMatchObject({ ok: true, value: { replayed: true } });
    if (!first.ok || !again.ok) throw new Error('refused');
    const { bookingId, createdAtMs, expiresAtMs } = first.value;
    expect(again.value).toMatchObject({ bookingId, createdAtMs, expiresAtMs, amountMinor: 1_400 });
    expect(await codeOf({ key: 'same', quantity: 1 })).toBe('IDEMPOTENCY_MISMATCH');
  });

  it('counts a user over all zones, also of requests that come together', async () => {
    const asked = sale.zoneIds.map((zoneId) => codeOf({ zoneId, quantity: 2 }));
    expect((await Promise.all(asked)).sort()).toEqual(['MAX_PER_USER_EXCEEDED', 'reserved']);
    expect(await codeOf({ zoneId: sale.zoneIds[1] ?? '' })).toBe('MAX_PER_USER_EXCEEDED');
  });

  it('never sells more than there is, and knows no other zones', async () => {
    const userId = sale.userIds[1] ?? '';
    const zoneId = sale.zoneIds[0] ?? '';
    expect(await codeOf({ userId, zoneId: randomUUID() })).toBe('NOT_FOUND');
    expect(await codeOf({ userId, eventId: randomUUID() })).toBe('NOT_FOUND');
    const codes = await Promise.all(Array.from({ length: 8 }, () => codeOf({ userId, zoneId })));
    const sold = codes.filter((code) => code === 'reserved').length;
    expect(sold).toBeGreaterThan(0);
    expect(new Set(codes)).toContain('INSUFFICIENT_STOCK');
    if (name === 'redis-script') return;
    // Two bookings of the first user, and the seats that were left.
    const limits = { eventId: sale.eventId, maxPerUser: sale.maxPerUser };
    const { broken } = await checkConservation(database.url, limits, { accepted: 2 + sold, unanswered: 0 });
    expect(broken).toEqual([]);
  });
});
