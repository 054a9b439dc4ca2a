/** The contract of a gate (gate.ts beside this file), in memory and over a real Redis that is really restarted. */
import { Redis } from 'ioredis';
import { afterAll, expect, vi } from 'vitest';
import { createMemoryGate } from '../../persistence/memory/gate.ts';
import { connectGate } from '../../persistence/redis/connection.ts';
import { createGate } from '../../persistence/redis/gate.ts';
import { restartRedis, startOwnStores } from '../stores.ts';
import { noonMs } from './event-sample.ts';
import { describeGate } from './gate.ts';

describeGate('memory', async () => {
  const gate = createMemoryGate();
  return {
    gate,
    clock: { nowMs: noonMs },
    forget: async () => gate.forget(),
    restart: async () => gate.restart(),
  };
});

const closers: (() => Promise<unknown>)[] = [];
afterAll(() => Promise.all(closers.map((close) => close())));

describeGate('Redis', async () => {
  const stores = await startOwnStores();
  const connection = connectGate(stores.redisUrl, { commandTimeoutMs: 5_000, failed: () => {} });
  const admin = new Redis(stores.redisUrl);
  admin.on('error', () => {});
  closers.push(async () => {
    connection.close();
    admin.disconnect();
    await stores.stop();
  });
  await connection.all(5_000);
  const runId = async () => (await connection.all(10_000))[0]?.runId;
  const clock = { nowMs: noonMs };
  return {
    gate: createGate(connection, () => clock.nowMs),
    clock,
    forget: async () => void (await admin.flushall()),
    async restart() {
      const before = await runId();
      await restartRedis(stores);
      await vi.waitFor(async () => expect(await runId()).not.toBe(before), 10_000);
    },
  };
});
