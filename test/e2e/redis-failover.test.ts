/**
 * Redis fails over: a replica is promoted that lacks the last writes of its master, and the nodes are led to it, as behind a
 * virtual address. The gate is rebuilt from PostgreSQL, and nobody notices but by a short "not now".
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Buyer } from '../buyer.ts';
import type { NodeProcess } from '../node-process.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest } from '../node-under-test.ts';
import { caughtUp, type RedisUnderTest, replicate, startRedisServer } from '../redis-servers.ts';
import { keepSelling } from '../steady-buyers.ts';
import { openTcpLine, type TcpLine } from '../tcp-line.ts';

const seats = 400;
let master: RedisUnderTest;
let replica: RedisUnderTest;
/** Where the nodes look for Redis. */
let front: TcpLine;
let node: NodeUnderTest;
let other: NodeProcess;
let sale: OnSale;

beforeAll(async () => {
  [master, replica] = [await startRedisServer(), await startRedisServer()];
  await replicate(master, replica);
  front = await openTcpLine('127.0.0.1', master.port);
  node = await startNodeUnderTest({ REDIS_URL: `redis://127.0.0.1:${front.port}` });
  other = await node.addNode('node-2');
  sale = await node.putOnSale({ zones: 2, seats, maxPerUser: 2 });
});
afterAll(async () => {
  await other.stop();
  expect(await node.findings()).toEqual([]);
  await node.close();
  await front.close();
  await Promise.all([master.stop(), replica.stop()]);
});

const urls = () => [node.url, () => other.url];
const order = (zone: number, quantity = 1) => ({ event_id: sale.eventId, zone_id: sale.zoneIds[zone] ?? '', quantity });
const held = async () => {
  const { rows } = await node.database.query('select sum(held)::int as held from zones where event_id = $1', [
    sale.eventId,
  ]);
  return rows[0].held as number;
};

describe('a replica that is promoted without the last writes', () => {
  it('is filled from PostgreSQL: everything acknowledged is there, and the rest is sold to the last seat', async () => {
    const [early] = (await node.crowd(1)) as [Buyer];
    const selling = keepSelling(node, { urls: urls(), sale });
    await selling.more(20);
    await caughtUp(master, replica);
    await replica.admin.replicaof('NO', 'ONE');
    // What is sold from here on, the next master has never heard of.
    const last = await early.reserve(order(0, 2), 'the last before the fail-over');
    expect(last.status, last.text).toBe(201);
    await selling.more(40);
    front.leadTo(replica.port);
    front.hangUp();
    await selling.more(40);
    expect((await early.reserve(order(0, 2), 'the last before the fail-over')).text).toBe(last.text);
    const more = await early.reserve(order(1));
    expect([more.status, more.error.code]).toEqual([409, 'MAX_PER_USER_EXCEEDED']);
    await selling.untilSoldOut();
    expect(selling.acked.size + 2).toBe(2 * seats);
    expect(await held()).toBe(2 * seats);
  });
});
