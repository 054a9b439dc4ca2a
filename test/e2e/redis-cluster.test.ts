/** Whole sales on a real Redis Cluster: an event a slot, spread over three masters, of which one moves slots and one dies. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { slotOf } from '../../persistence/redis/key-map.ts';
import { gateKey, nodesKey } from '../../persistence/redis/keys.ts';
import { connectRateLimits } from '../../persistence/redis/rate-limits.ts';
import { type Buyer, eventually } from '../buyer.ts';
import type { NodeProcess } from '../node-process.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest } from '../node-under-test.ts';
import { joinReplica, moveSlot, type RedisUnderTest, startRedisCluster } from '../redis-servers.ts';
import { joinRoom, passOf, reserveWith } from '../room-visitor.ts';
import { payWithCard } from '../sandbox-buyer.ts';

const cluster = randomUUID();
let masters: readonly RedisUnderTest[];
let node: NodeUnderTest;
let other: NodeProcess;
/** On the master of the same number. */
let sales: readonly OnSale[];

beforeAll(async () => {
  masters = await startRedisCluster(3);
  // One address is enough to find the others; some may be down.
  const urls = ['redis://127.0.0.1:1', ...masters.map(({ url }) => url)];
  node = await startNodeUnderTest({ REDIS_URL: urls.join(), CLUSTER_NAME: cluster, HOLD_TTL_SECONDS: '6' });
  other = await node.addNode('node-2');
  for (const { url } of [{ url: node.url() }, other])
    await eventually(async () => expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^mesh_peers 1$/m));
  sales = await Promise.all(masters.map((_master, number) => saleOn(number)));
});
afterAll(async () => {
  await other.stop();
  expect(await node.findings()).toEqual([]);
  await node.close();
  await Promise.all(masters.map((master) => master.stop()));
});

const masterOf = (key: string) => Math.floor((slotOf(key) * 3) / 16_384);

/** A sale whose keys are on this master. */
async function saleOn(master: number, waitingRoom: 'off' | 'open' = 'off'): Promise<OnSale> {
  for (;;) {
    const sale = await node.putOnSale({ zones: 3, seats: 200, maxPerUser: 4, waitingRoom });
    if (masterOf(gateKey(sale.eventId)) === master) return sale;
  }
}

const order = ({ eventId, zoneIds }: OnSale, zone = 0) => ({
  event_id: eventId,
  zone_id: zoneIds[zone] ?? '',
  quantity: 1,
});
/** The lease of its waiting room belongs to the register. */
const keysOf = ({ eventId }: OnSale) => Promise.all(masters.map(({ admin }) => admin.keys(`{${eventId}}:*`)));

async function pay(buyer: Buyer, bookingId: string): Promise<void> {
  const { client_secret } = (await buyer.pay(bookingId)).data;
  await payWithCard(node.shop.sandbox.url, client_secret, '4242424242424242');
  await buyer.sees(bookingId, 'confirmed');
}

describe('on a Redis Cluster', () => {
  it.each([0, 1, 2])('an event is sold from one slot of master %i, whatever becomes of a booking', async (number) => {
    const sale = sales[number] as OnSale;
    const [paying, leaving, late] = (await node.crowd(3)) as [Buyer, Buyer, Buyer];
    const held = await Promise.all([0, 1, 2].map((zone) => paying.hold(order(sale, zone))));
    const left = await leaving.hold(order(sale));
    const key = randomUUID();
    const forgotten = await late.reserve(order(sale, 1), key);
    expect((await late.reserve(order(sale, 1), key)).text).toBe(forgotten.text);
    await Promise.all(held.map((bookingId) => pay(paying, bookingId)));
    await leaving.cancel(left);
    await late.sees(forgotten.data.booking_id, 'expired');
    await eventually(async () => expect(await paying.tickets(held[0] ?? '')).toHaveLength(1));
    const keys = await keysOf(sale);
    expect(keys.map((found) => found.length > 0)).toEqual(masters.map((_master, index) => index === number));
  });

  it('its waiting room lets people in', async () => {
    const sale = await saleOn(1, 'open');
    const [buyer] = (await node.crowd(1)) as [Buyer];
    expect((await joinRoom(buyer, sale)).status).toBe(201);
    const pass = await passOf(buyer, sale);
    const { data } = await reserveWith(pass, buyer, sale);
    await pay(buyer, data.booking_id);
  });

  it('a limit is of the whole event, over its zones', async () => {
    const [buyer] = (await node.crowd(1)) as [Buyer];
    for (const zone of [0, 1, 2, 0]) await buyer.hold(order(sales[1] as OnSale, zone));
    const fifth = await buyer.reserve(order(sales[1] as OnSale, 1));
    expect([fifth.status, fifth.error.code]).toEqual([409, 'MAX_PER_USER_EXCEEDED']);
  });

  it('buckets of rate limits are spread over the masters', async () => {
    const limits = await connectRateLimits(masters.map(({ url }) => url).join(), {
      commandTimeoutMs: 5_000,
      failed: () => {},
    });
    const who = Array.from({ length: 30 }, () => randomUUID());
    const take = (key: string) => limits.take({ name: 'test', perMinute: 1, burst: 1 }, key);
    for (const key of who) expect((await take(key)).allowed).toBe(true);
    for (const key of who) expect((await take(key)).allowed).toBe(false);
    for (const { admin } of masters) expect(await admin.keys('rate:test:*')).not.toEqual([]);
    limits.close();
  });

  it('each master is given the scripts that it does not know', async () => {
    const [buyer] = (await node.crowd(1)) as [Buyer];
    for (const { admin } of masters) await admin.script('FLUSH');
    for (const sale of sales) await buyer.hold(order(sale));
  });

  it('an event whose slot moves to another master is sold there', async () => {
    const sale = await saleOn(0);
    const [before, after] = (await node.crowd(2)) as [Buyer, Buyer];
    await before.hold(order(sale));
    await moveSlot(slotOf(gateKey(sale.eventId)), masters, { from: 0, to: 2 });
    await eventually(() => after.hold(order(sale)));
    const [onFirst, , onThird] = await keysOf(sale);
    expect([onFirst?.length === 0, (onThird?.length ?? 0) > 0]).toEqual([true, true]);
  });

  it('a master that dies stops its own events only, until its replica has taken its place', async () => {
    // The register is on another master, or the nodes would have to give everything up for a while.
    const dying = (masterOf(nodesKey(cluster)) + 1) % 3;
    const living = (dying + 1) % 3;
    const replica = await joinReplica(masters, dying);
    const [buyer, rival] = (await node.crowd(2)) as [Buyer, Buyer];
    const [dyingSale, livingSale] = [await saleOn(dying), await saleOn(living)];
    const key = randomUUID();
    const held = await eventually(async () => {
      const answer = await buyer.reserve(order(dyingSale), key);
      expect(answer.status, answer.text).toBe(201);
      return answer;
    });
    await buyer.hold(order(livingSale));
    await (masters[dying] as RedisUnderTest).stop();
    await rival.hold(order(livingSale));
    // The cluster would come to it by itself, in its own time.
    await replica.admin.cluster('FAILOVER', 'TAKEOVER');
    await eventually(() => rival.hold(order(dyingSale)));
    expect((await buyer.reserve(order(dyingSale), key)).text).toBe(held.text);
    expect(await replica.admin.info('replication')).toContain('role:master');
    masters = masters.map((master, index) => (index === dying ? replica : master));
  });
});
