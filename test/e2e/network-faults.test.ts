/**
 * Two nodes on a network that is cut in one direction: between them, and from one of them to each store. Bytes are kept and
 * arrive when the network is back, also those that their sender has long given up. Whatever is cut, nothing that was
 * acknowledged is lost, nothing is sold twice, and buyers who come again are served.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { signAccessToken } from '../../http/auth.ts';
import { freePorts } from '../../persistence/embedded/ports.ts';
import { buyerWith, eventually } from '../buyer.ts';
import type { NodeProcess } from '../node-process.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest, tokenSecret } from '../node-under-test.ts';
import { keepSelling, type SteadyBuyers } from '../steady-buyers.ts';
import { openRedis } from '../stores.ts';
import { type Direction, openTcpLine, type TcpLine } from '../tcp-line.ts';

/** Where the nodes say that their mesh is, on the ports where it really is. */
const announced = '127.0.0.2';

let edge: NodeUnderTest;
let owner: NodeProcess;
let sale: OnSale;
let lines: Readonly<Record<'edge' | 'owner' | 'redis' | 'postgres', TcpLine>>;
let selling: SteadyBuyers;

beforeAll(async () => {
  const [edgePort, ownerPort] = (await freePorts(2)) as [number, number];
  const meshAt = (port: number) => ({ MESH_HOST: announced, MESH_PORT: String(port) });
  edge = await startNodeUnderTest(meshAt(edgePort));
  const [redisUrl, databaseUrl] = [new URL(await openRedis()), new URL(edge.databaseUrl)];
  const behind = (url: URL) => openTcpLine(url.hostname, Number(url.port));
  lines = {
    edge: await openTcpLine('127.0.0.1', edgePort, { host: announced, port: edgePort }),
    owner: await openTcpLine('127.0.0.1', ownerPort, { host: announced, port: ownerPort }),
    redis: await behind(redisUrl),
    postgres: await behind(databaseUrl),
  };
  redisUrl.host = `127.0.0.1:${lines.redis.port}`;
  databaseUrl.host = `127.0.0.1:${lines.postgres.port}`;
  const stores = { REDIS_URL: redisUrl.href, DATABASE_URL: databaseUrl.href, COMMIT_TIMEOUT_MS: '1000' };
  owner = await edge.addNode('node-2', { ...meshAt(ownerPort), ...stores });
  sale = await edge.putOnSale({ zones: 6, seats: 20_000 });
});
afterAll(async () => {
  await owner.stop();
  expect(await edge.findings()).toEqual([]);
  await edge.close();
  await Promise.all(Object.values(lines).map((line) => line.close()));
});

/** Zones that each node runs, as the edge is told. */
async function shares(): Promise<readonly number[]> {
  const user = { id: randomUUID(), role: 'admin', tokenId: randomUUID() } as const;
  const token = await signAccessToken(tokenSecret, user, { nowMs: Date.now(), ttlSeconds: 900 });
  const { data } = await buyerWith(edge.url, { userId: user.id, token }).ask<{
    readonly nodes: readonly { readonly zones: readonly unknown[] | null }[];
  }>('/admin/cluster');
  return data.nodes.map(({ zones }) => zones?.length ?? 0);
}

/** Both run zones, and buyers buy at both. */
async function everybodySells(): Promise<void> {
  await eventually(async () => expect((await shares()).filter((zones) => zones > 0)).toHaveLength(2));
  await selling.more(60);
}

/** Buyers must hear "not now", or nothing, that often before a cut counts as felt. */
async function felt(): Promise<void> {
  const { setbacks } = selling;
  await eventually(() => expect(selling.setbacks).toBeGreaterThan(setbacks + 10));
}

const directions: readonly Direction[] = ['there', 'back'];

describe.each(directions)('cut one way (%s)', (direction) => {
  afterEach(() => selling.stop());

  async function sellUntilCut(line: TcpLine): Promise<void> {
    selling = keepSelling(edge, { urls: [edge.url, () => owner.url], sale });
    await everybodySells();
    line.block(direction);
  }

  it.each(['owner', 'edge'] as const)('on the connection that leads to the %s: both go on', async (end) => {
    await sellUntilCut(lines[end]);
    // Each sells what it owns, asked or not by the other.
    await selling.more(60);
    lines[end].heal();
    await everybodySells();
  });

  it('from the owner to Redis: the other takes its zones over', async () => {
    await sellUntilCut(lines.redis);
    await felt();
    await eventually(async () => expect(await shares()).toEqual([sale.zoneIds.length]));
    await selling.more(60);
    lines.redis.heal();
    await everybodySells();
  });

  it('from the owner to PostgreSQL: its zones wait, and go on', async () => {
    await sellUntilCut(lines.postgres);
    await felt();
    lines.postgres.heal();
    await everybodySells();
  });
});
