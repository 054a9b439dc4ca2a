/** Three nodes on one set of stores, two of them processes of their own: killed, paused and stopped while they sell. */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signAccessToken } from '../../http/auth.ts';
import { zoneKey } from '../../persistence/redis/keys.ts';
import { type Answer, type BookingShown, type Buyer, buyerWith, eventually } from '../buyer.ts';
import type { NodeProcess } from '../node-process.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest, tokenSecret } from '../node-under-test.ts';
import { payWithCard } from '../sandbox-buyer.ts';
import { keepSelling } from '../steady-buyers.ts';
import { openRedis } from '../stores.ts';
import { openTcpLine, type TcpLine } from '../tcp-line.ts';

let first: NodeUnderTest;
let others: Map<string, NodeProcess>;
let sale: OnSale;
let redis: Redis;
/** From node-2 to PostgreSQL. */
let commits: TcpLine;

beforeAll(async () => {
  first = await startNodeUnderTest();
  const databaseUrl = new URL(first.databaseUrl);
  commits = await openTcpLine(databaseUrl.hostname, Number(databaseUrl.port));
  databaseUrl.host = `127.0.0.1:${commits.port}`;
  // A node that was paused asks its timers first, and on a busy machine pauses are long.
  const patient = { DATABASE_URL: databaseUrl.href, COMMIT_TIMEOUT_MS: '60000' };
  others = new Map();
  others.set('node-2', await first.addNode('node-2', patient));
  others.set('node-3', await first.addNode('node-3'));
  sale = await first.putOnSale({ zones: 12, seats: 10_000, maxPerUser: 1_000 });
  redis = new Redis(await openRedis());
  await eventually(async () => expect((await cluster()).nodes).toHaveLength(3));
});
afterAll(async () => {
  await Promise.all([...others.values()].map((node) => node.stop()));
  await eventually(async () => expect((await cluster()).nodes).toHaveLength(1));
  expect(await first.findings()).toEqual([]);
  redis.disconnect();
  await commits.close();
  await first.close();
});

interface ClusterShown {
  readonly node_id: string;
  readonly nodes: readonly {
    readonly node_id: string;
    readonly state: string;
    readonly zones: readonly { readonly zone_id: string; readonly epoch: number | null }[];
  }[];
}

async function somebody(url: () => string, role: 'user' | 'admin' = 'user'): Promise<Buyer> {
  const user = { id: randomUUID(), role, tokenId: randomUUID() };
  const token = await signAccessToken(tokenSecret, user, { nowMs: Date.now(), ttlSeconds: 900 });
  return buyerWith(url, { userId: user.id, token });
}

const urlOf = (nodeId: string) => () => others.get(nodeId)?.url ?? first.url();
const order = (zoneId: string) => ({ event_id: sale.eventId, zone_id: zoneId, quantity: 1 });

async function cluster(url = first.url): Promise<ClusterShown> {
  return (await (await somebody(url, 'admin')).ask<ClusterShown>('/admin/cluster')).data;
}

const zonesOf = (shown: ClusterShown, nodeId: string) =>
  shown.nodes.find((node) => node.node_id === nodeId)?.zones.map(({ zone_id }) => zone_id) ?? [];

/** Has every zone sell a seat through a node. */
async function sellOneEach(nodeId: string): Promise<void> {
  const buyer = await somebody(urlOf(nodeId));
  await eventually(async () => {
    const answers = await Promise.all(
      sale.zoneIds.map((zoneId) => buyer.reserve(order(zoneId), `${nodeId} ${zoneId}`)),
    );
    expect(answers.map(({ status }) => status)).toEqual(sale.zoneIds.map(() => 201));
  });
}

describe('three nodes', () => {
  it('each answer for every zone, and share them', async () => {
    for (const nodeId of ['node-1', 'node-2', 'node-3']) await sellOneEach(nodeId);
    const shown = await cluster(urlOf('node-2'));
    expect(shown.node_id).toBe('node-2');
    const owned = shown.nodes.flatMap(({ zones }) => zones.map(({ zone_id }) => zone_id));
    expect(owned.toSorted()).toEqual([...sale.zoneIds].sort());
    expect(shown.nodes.map(({ zones, state }) => [zones.length > 0, state])).toEqual(
      shown.nodes.map(() => [true, 'serving']),
    );
  });

  it('sell one booking together, whoever is asked for the next step', async () => {
    for (const zoneId of sale.zoneIds.slice(0, 4)) {
      const buyers = await Promise.all(
        ['node-1', 'node-2', 'node-3'].map((nodeId) => urlOf(nodeId)).map((url) => somebody(url)),
      );
      const [buyer] = buyers as [Buyer];
      const at = (nodeId: string) => buyerWith(urlOf(nodeId), buyer);
      const bookingId = await at('node-2').hold(order(zoneId));
      const { client_secret } = (await at('node-3').pay(bookingId)).data;
      await payWithCard(first.shop.sandbox.url, client_secret, '4242424242424242');
      await at('node-1').sees(bookingId, 'confirmed');
      await eventually(async () => expect(await at('node-2').tickets(bookingId)).toHaveLength(1));
    }
  });

  it('answer the same key the same everywhere', async () => {
    const buyer = await somebody(urlOf('node-1'));
    const key = randomUUID();
    const [zoneId = ''] = sale.zoneIds;
    const answers: Answer<BookingShown>[] = [];
    for (const nodeId of ['node-1', 'node-2', 'node-3'])
      answers.push(await buyerWith(urlOf(nodeId), buyer).reserve(order(zoneId), key));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  });
});

const sellAt = (nodeIds: readonly string[]) => keepSelling(first, { urls: nodeIds.map(urlOf), sale, buyers: 8 });

describe('a node', () => {
  it('that is killed is missed, and its zones answer elsewhere', async () => {
    await sellOneEach('node-1');
    const before = zonesOf(await cluster(), 'node-3');
    expect(before.length).toBeGreaterThan(0);
    const selling = sellAt(['node-1', 'node-2']);
    await selling.more(20);
    await others.get('node-3')?.kill();
    await eventually(async () => expect((await cluster()).nodes).toHaveLength(2));
    await sellOneEach('node-2');
    const after = await cluster();
    for (const zoneId of before) expect([...zonesOf(after, 'node-1'), ...zonesOf(after, 'node-2')]).toContain(zoneId);
    others.set('node-3', await first.addNode('node-3'));
    await eventually(async () => {
      await selling.more(20);
      expect(zonesOf(await cluster(), 'node-3').toSorted()).toEqual(before.toSorted());
    });
    await selling.stop();
  });

  describe('that is paused', () => {
    let paused: NodeProcess;
    let zoneId: string;
    beforeEach(async () => {
      await sellOneEach('node-1');
      paused = others.get('node-2') as NodeProcess;
      [zoneId = ''] = zonesOf(await cluster(), 'node-2');
    });
    afterEach(() => eventually(async () => expect((await cluster()).nodes).toHaveLength(3)));

    const asked = async () => (await somebody(urlOf('node-2'))).reserve(order(zoneId));
    const says = (metric: RegExp) =>
      eventually(async () => expect(await (await fetch(`${paused.url}/metrics`)).text()).toMatch(metric));
    /** Sold, or not now: which of them depends on how soon the node has its place again. */
    const saidClearly = async (...answers: Promise<Answer<BookingShown>>[]) => {
      for (const { status, text } of await Promise.all(answers)) expect([201, 503], text).toContain(status);
    };
    const sellsElsewhere = async () => {
      const buyer = await somebody(urlOf('node-1'));
      await eventually(async () => expect((await buyer.reserve(order(zoneId))).status).toBe(201));
    };

    it('with a batch before it finds it refused by the gate', async () => {
      const version = async () => Number(await redis.hget(zoneKey(sale.eventId, zoneId), 'version'));
      const before = await version();
      const free = await lockZone(zoneId);
      const one = asked();
      await eventually(async () => expect(await version()).toBe(before + 1));
      // The first waits in PostgreSQL, and the second for it.
      const another = asked();
      await says(/^zone_mailbox_depth 1$/m);
      paused.pause();
      await free();
      await sellsElsewhere();
      // Where the pause was long the second has waited too long to be tried: this one has just come when the node goes on.
      const late = asked();
      paused.resume();
      await says(/^zone_batches_refused_total\{by="gate",why="fenced"\} [1-9]/m);
      await saidClearly(one, another, late);
    });

    it('with a batch on its way to the truth finds it refused there', async () => {
      const held = commits.hold('there', 'reserve_batch');
      const one = asked();
      await held;
      paused.pause();
      await sellsElsewhere();
      commits.heal();
      paused.resume();
      await says(/^zone_batches_refused_total\{by="truth",why="stale"\} [1-9]/m);
      await saidClearly(one);
    });
  });

  it('that is drained hands everything over, and goes on to pass requests on', async () => {
    await sellOneEach('node-1');
    const selling = sellAt(['node-1', 'node-2', 'node-3']);
    await selling.more(20);
    const admin = await somebody(urlOf('node-1'), 'admin');
    const drained = await admin.ask('/admin/nodes/node-3/drain', { method: 'POST' });
    expect(drained.status).toBe(200);
    expect(zonesOf(await cluster(), 'node-3')).toEqual([]);
    await selling.more(50);
    await sellOneEach('node-3');
    expect(zonesOf(await cluster(), 'node-3')).toEqual([]);
    expect((await fetch(`${others.get('node-3')?.url}/ready`)).status).toBe(503);
    expect((await admin.ask('/admin/nodes/nobody/drain', { method: 'POST' })).status).toBe(404);
    await selling.stop();
    await others.get('node-3')?.stop();
    others.set('node-3', await first.addNode('node-3'));
    await sellOneEach('node-3');
  });
});

/** Holds on to a zone's row, so that its next commit waits; resolves with what lets it go. */
async function lockZone(zoneId: string): Promise<() => Promise<void>> {
  const client: pg.PoolClient = await first.database.connect();
  await client.query('begin');
  await client.query('select from zones where id = $1 for update', [zoneId]);
  return async () => {
    await client.query('rollback');
    client.release();
  };
}
