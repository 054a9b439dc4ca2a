/**
 * A node that is killed with thousands waiting, and a Redis that forgets everything meanwhile: everybody keeps the place
 * that they were told, and the published log proves the order to a verifier that trusts nobody.
 */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Buyer, eventually } from '../buyer.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest } from '../node-under-test.ts';
import { joinRoom, passOf, reserveWith, roomAdmin, standingOf, verifiedLog } from '../room-visitor.ts';
import { openRedis } from '../stores.ts';

const slots = 10;
const crowdSize = 3_000;
/** So many joins are still under way, or have not begun, when the node dies. */
const lateJoins = 400;

let node: NodeUnderTest;
let sale: OnSale;
let crowd: readonly Buyer[];

beforeAll(async () => {
  node = await startNodeUnderTest({}, { ownProcess: true });
  sale = await node.putOnSale({ waitingRoom: 'open' });
  const configure = await roomAdmin(node.url);
  await configure({ max_concurrent: slots }, sale);
  crowd = await node.crowd(crowdSize);
});
afterAll(async () => {
  expect(await node.findings()).toEqual([]);
  await node.close();
});

it('has everybody at their place again', { timeout: 120_000 }, async () => {
  const places = new Map<Buyer, number>();
  const joinAs = async (who: Buyer) => {
    const { status, data } = await joinRoom(who, sale);
    // Who is let in at once is told a pass, and no place.
    if (status === 201) places.set(who, data.place ?? 0);
  };
  await inWaves(crowd.slice(lateJoins), joinAs);
  expect(places.size).toBe(crowdSize - lateJoins);
  const late = Promise.allSettled(crowd.slice(0, lateJoins).map(joinAs));
  await eventually(() => expect(places.size).toBeGreaterThan(crowdSize - lateJoins));
  await node.kill();
  await late;
  await flushRedis();
  await node.start();

  const known = [...places.keys()];
  await inWaves(known, async (who) => {
    const { data } = await standingOf(who, sale);
    const place = places.get(who);
    if (place === 0) expect(data.status).toBe('admitted');
    else expect(data).toMatchObject({ status: 'waiting', place });
  });
  expect(known.filter((who) => places.get(who) === 0)).toHaveLength(slots);

  // The sale goes on: a pass from before is good, and the slot that its checkout frees is the next one's.
  const [first] = known as [Buyer];
  const next = known.find((who) => places.get(who) === slots + 1) as Buyer;
  const held = await reserveWith(await passOf(first, sale), first, sale);
  expect(held.status, held.text).toBe(201);
  await first.cancel(held.data.booking_id);
  await passOf(next, sale);

  const { code, said } = await verifiedLog(first, sale);
  expect(said).toContain('fair: the chain is whole');
  expect(code).toBe(0);
  const [joined = 0] = /joined +(\d+)/.exec(said)?.slice(1).map(Number) ?? [];
  expect(joined).toBeGreaterThanOrEqual(places.size);
  expect(joined).toBeLessThanOrEqual(crowdSize);
});

it('answers a reservation again that was made with the pass, and no other', async () => {
  const other = await node.putOnSale({ waitingRoom: 'open' });
  const [buyer] = (await node.crowd(1)) as [Buyer];
  await joinRoom(buyer, other);
  const pass = await passOf(buyer, other);
  const key = randomUUID();
  const held = await reserveWith(pass, buyer, other, { key });
  expect(held.status, held.text).toBe(201);
  await node.kill();
  await node.start();
  const again = await reserveWith(pass, buyer, other, { key });
  expect([again.status, again.data?.booking_id]).toEqual([201, held.data.booking_id]);
  const { status, error } = await reserveWith(pass, buyer, other);
  expect([status, error?.code, error?.details?.reason]).toEqual([403, 'QUEUE_PASS_INVALID', 'used']);
});

/** Some at a time, as many as one process may well have sockets for. */
async function inWaves(people: readonly Buyer[], visit: (who: Buyer) => Promise<void>): Promise<void> {
  const wave = 200;
  for (let at = 0; at < people.length; at += wave) await Promise.all(people.slice(at, at + wave).map(visit));
}

async function flushRedis(): Promise<void> {
  const redis = new Redis(await openRedis());
  await redis.flushall();
  await redis.quit();
}
