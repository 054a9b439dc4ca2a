/** What only a real Redis can do to a gate. The rest is test/contracts/gate.test.ts and test/lost-answers.test.ts. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gate, Lease } from '../../engine/ports.ts';
import {
  batchOf,
  countersOf,
  hashOf,
  newId,
  noonMs,
  reserveCommand,
  snapshotOf,
} from '../../test/contracts/event-sample.ts';
import { openRedis } from '../../test/stores.ts';
import { connectGate, type GateConnection } from './connection.ts';
import { createGate } from './gate.ts';
import { idempotencyKeys, releasesKey } from './keys.ts';

const dayMs = 86_400_000;
const twoDaysSeconds = 172_800;

describe('a gate over Redis', () => {
  let redis: Redis;
  let connection: GateConnection;
  let gate: Gate;
  beforeAll(async () => {
    const url = await openRedis();
    redis = new Redis(url);
    connection = connectGate(url, { commandTimeoutMs: 10_000, failed: () => {} });
    await connection.all(10_000);
    gate = createGate(connection, () => noonMs);
  });
  afterAll(async () => {
    connection.close();
    await redis.quit();
  });

  async function openZone(keys: Parameters<typeof snapshotOf>[0]['keys'] = []): Promise<Lease> {
    const [eventId, zoneId] = [newId(), newId()];
    const zones = [{ zoneId, epoch: 1, version: 0, ...countersOf(10) }];
    await gate.rebuild(snapshotOf({ eventId, generation: 1, zones, keys }));
    return { eventId, zoneId, epoch: 1, generation: 1 };
  }

  it("forgets a day's keys by itself, when they are not looked up any more", async () => {
    const use = {
      key: hashOf('old'),
      fingerprint: hashOf('body'),
      bookingId: newId(),
      createdAtMs: noonMs - 2 * dayMs,
    };
    const lease = await openZone([use]);
    const { today } = idempotencyKeys(lease.eventId, noonMs);
    const { yesterday: dayBefore } = idempotencyKeys(lease.eventId, noonMs - dayMs);
    expect(await redis.ttl(today)).toBe(-2);
    await gate.apply(batchOf(lease, 0, [reserveCommand()]));
    for (const key of [today, dayBefore]) {
      expect(await redis.ttl(key)).toBeGreaterThan(twoDaysSeconds - 3_600);
      expect(await redis.ttl(key)).toBeLessThanOrEqual(twoDaysSeconds);
    }
  });

  it('keeps nothing of batches that are settled', async () => {
    const lease = await openZone();
    const made = reserveCommand();
    const batches = [batchOf(lease, 0, [made]), batchOf(lease, 1, [{ kind: 'cancel', bookingId: made.bookingId }])];
    for (const batch of batches) await gate.apply(batch);
    expect(await redis.hlen(releasesKey(lease.eventId, lease.zoneId))).toBe(1);
    await gate.apply({ ...batchOf(lease, 2, []), settled: batches.map(({ batchId }) => batchId) });
    const left = await redis.keys(`{${lease.eventId}}*`);
    const { today } = idempotencyKeys(lease.eventId, noonMs);
    expect(left.sort()).toEqual([`{${lease.eventId}}:gate`, today, `{${lease.eventId}}:zone:${lease.zoneId}`].sort());
  });

  it('brings its scripts again when the server has forgotten them', async () => {
    const lease = await openZone();
    await redis.script('FLUSH');
    expect(await gate.apply(batchOf(lease, 0, [reserveCommand()]))).toMatchObject({ ok: true, held: 1 });
  });

  it('rejects a call when there is no connection, after a wait for one', async () => {
    const nowhere = connectGate('redis://127.0.0.1:1', { commandTimeoutMs: 100, failed: () => {} });
    expect(nowhere.isPresent).toBe(false);
    await expect(nowhere.all(10)).rejects.toThrow('Redis is not reachable');
    nowhere.close();
  });

  it('touches one slot of a cluster only', async () => {
    const lease = await openZone();
    await gate.apply(batchOf(lease, 0, [reserveCommand()]));
    for (const key of await redis.keys(`*${lease.eventId}*`)) expect(key.startsWith(`{${lease.eventId}}:`)).toBe(true);
  });
});
