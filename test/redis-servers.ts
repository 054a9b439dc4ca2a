/** Bare redis-servers for tests: a master with a replica to promote, or a Redis Cluster. The end of the run ends them all. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, inject, vi } from 'vitest';
import { freePorts } from '../persistence/embedded/ports.ts';
import { spawnDetached } from '../persistence/embedded/server.ts';

export interface RedisUnderTest {
  readonly url: string;
  readonly port: number;
  /** For orders to the server itself. */
  readonly admin: Redis;
  /** kill -9. */
  stop(): Promise<void>;
}

const patience = { timeout: 20_000, interval: 20 };

/** Answers when this resolves. Keeps what it must, as a server on which one may sell. */
export async function startRedisServer({ cluster = false } = {}): Promise<RedisUnderTest> {
  // A cluster's servers talk on a second port, 10 000 above the first unless they are told.
  const [port, busPort] = (await freePorts(2)) as [number, number];
  const folder = join(inject('storesFolder'), `redis-${randomUUID()}`);
  mkdirSync(join(folder, 'redis'), { recursive: true });
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: join(folder, 'redis'),
    // Where test/store-reaper.mjs looks for it.
    pidfile: join(folder, 'redis', 'redis.pid'),
    appendonly: 'yes',
    save: '""',
    'repl-diskless-sync-delay': 0,
    ...(cluster && {
      'cluster-enabled': 'yes',
      'cluster-port': busPort,
      'cluster-node-timeout': 1_000,
      // The events of other masters are sold on when one is away.
      'cluster-require-full-coverage': 'no',
    }),
  };
  const file = join(folder, 'redis.conf');
  writeFileSync(
    file,
    Object.entries(settings)
      .map(([name, value]) => `${name} ${value}\n`)
      .join(''),
  );
  const server = await spawnDetached('redis-server', [file], { cwd: folder, logFile: join(folder, 'redis.log') });
  const url = `redis://127.0.0.1:${port}`;
  const admin = new Redis(url, { retryStrategy: () => 50 });
  admin.on('error', () => {}); // it starts, or was killed
  await admin.ping();
  return {
    url,
    port,
    admin,
    async stop() {
      admin.disconnect();
      if (server.exitCode !== null || server.signalCode !== null) return;
      server.kill('SIGKILL');
      await vi.waitFor(() => expect(server.signalCode ?? server.exitCode).not.toBeNull(), patience);
    },
  };
}

/** Resolves when the replica has what its master has. */
export async function replicate(master: RedisUnderTest, replica: RedisUnderTest): Promise<void> {
  await replica.admin.replicaof('127.0.0.1', master.port);
  await caughtUp(master, replica);
}

/** Resolves when the replica has what its master has now. */
export async function caughtUp(master: RedisUnderTest, replica: RedisUnderTest): Promise<void> {
  await vi.waitFor(async () => {
    const offset = async ({ admin }: RedisUnderTest) =>
      /master_repl_offset:(\d+)/.exec(await admin.info('replication'))?.[1];
    expect(await replica.admin.info('replication')).toContain('master_link_status:up');
    expect(await offset(replica)).toBe(await offset(master));
  }, patience);
}

const slots = 16_384;

/** Masters that share the slots evenly, as `redis-cli --cluster create` would lay them. */
export async function startRedisCluster(masters: number): Promise<readonly RedisUnderTest[]> {
  const servers = await Promise.all(Array.from({ length: masters }, () => startRedisServer({ cluster: true })));
  const [first] = servers as [RedisUnderTest];
  for (const [index, { admin, port }] of servers.entries()) {
    await admin.cluster('SET-CONFIG-EPOCH', index + 1);
    await admin.call(
      'CLUSTER',
      'ADDSLOTSRANGE',
      Math.floor((index * slots) / masters),
      Math.floor(((index + 1) * slots) / masters) - 1,
    );
    if (index > 0)
      await first.admin.call('CLUSTER', 'MEET', '127.0.0.1', port, await busPortOf(servers[index] as RedisUnderTest));
  }
  await vi.waitFor(async () => {
    for (const { admin } of servers) {
      expect(await admin.cluster('INFO')).toContain('cluster_state:ok');
      expect(await admin.cluster('SLOTS')).toHaveLength(masters);
    }
  }, patience);
  return servers;
}

/** Joins a replica of the master of this number to a cluster; resolves when all of it know it. */
export async function joinReplica(servers: readonly RedisUnderTest[], of: number): Promise<RedisUnderTest> {
  const master = servers[of] as RedisUnderTest;
  const replica = await startRedisServer({ cluster: true });
  await master.admin.call('CLUSTER', 'MEET', '127.0.0.1', replica.port, await busPortOf(replica));
  const [masterId, replicaId] = [await master.admin.cluster('MYID'), await replica.admin.cluster('MYID')];
  await vi.waitFor(() => replica.admin.cluster('REPLICATE', masterId), patience);
  await caughtUp(master, replica);
  await vi.waitFor(async () => {
    for (const { admin } of servers) expect(await admin.cluster('NODES')).toMatch(`${replicaId} `);
    // One that has not heard yet who has which slots would take over none.
    expect(await replica.admin.cluster('INFO')).toContain('cluster_slots_assigned:16384');
    expect(await replica.admin.cluster('NODES')).toMatch(`myself,slave ${masterId} `);
  }, patience);
  return replica;
}

async function busPortOf({ admin }: RedisUnderTest): Promise<number> {
  return Number(((await admin.config('GET', 'cluster-port')) as string[])[1]);
}

/** Hands one slot with all its keys over, as `redis-cli --cluster reshard` does it. */
export async function moveSlot(
  slot: number,
  servers: readonly RedisUnderTest[],
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  const [source, target] = [servers[from], servers[to]] as [RedisUnderTest, RedisUnderTest];
  const [sourceId, targetId] = await Promise.all([source, target].map(({ admin }) => admin.cluster('MYID')));
  await target.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId ?? '');
  await source.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId ?? '');
  for (;;) {
    const keys = await source.admin.cluster('GETKEYSINSLOT', slot, 100);
    if (keys.length === 0) break;
    await source.admin.call('MIGRATE', '127.0.0.1', target.port, '', 0, 5_000, 'KEYS', ...keys);
  }
  for (const { admin } of [target, source, ...servers])
    await admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', targetId ?? '');
}
