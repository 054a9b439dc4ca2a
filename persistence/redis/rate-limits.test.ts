import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRedis, startOwnStores } from '../../test/stores.ts';
import { connectRateLimits, type RateLimitStore } from './rate-limits.ts';

const terms = { name: 'test', perMinute: 5, burst: 3 };
const options = { commandTimeoutMs: 1_000, failed: () => {} };

let store: RateLimitStore;
let redis: Redis;
beforeAll(async () => {
  const url = await openRedis();
  redis = new Redis(url);
  store = await connectRateLimits(url, options);
});
afterAll(() => {
  store.close();
  redis.disconnect();
});

/** Lets `ms` pass for one bucket, by moving the time of its last change back. */
async function pass(key: string, ms: number): Promise<void> {
  await redis.hincrby(`rate:test:${key}`, 'at', -ms);
}

describe('a bucket', () => {
  it('gives its burst, then refuses and says when to come back', async () => {
    const key = randomUUID();
    for (const remaining of [2, 1, 0]) {
      expect(await store.take(terms, key)).toMatchObject({ allowed: true, remaining });
    }
    const refused = await store.take(terms, key);
    expect(refused).toMatchObject({ allowed: false, remaining: 0 });
    // A token every 12 s; a little of the first one has grown since.
    expect(refused.retryAfterMs).toBeGreaterThan(0);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(12_000);
    expect(refused.fullAfterMs).toBeGreaterThan(refused.retryAfterMs);
    expect(refused.fullAfterMs).toBeLessThanOrEqual(36_000);
  });

  it('gains a token when the time it named has passed, and no more than one', async () => {
    const key = randomUUID();
    for (let n = 0; n < 3; n++) await store.take(terms, key);
    const { retryAfterMs } = await store.take(terms, key);
    await pass(key, retryAfterMs);
    expect(await store.take(terms, key)).toMatchObject({ allowed: true });
    expect(await store.take(terms, key)).toMatchObject({ allowed: false });
  });

  it('never holds more than its burst', async () => {
    const key = randomUUID();
    await store.take(terms, key);
    await pass(key, 3_600_000);
    expect(await store.take(terms, key)).toMatchObject({ allowed: true, remaining: 2 });
  });

  it('loses nothing when the clock steps back', async () => {
    const key = randomUUID();
    await store.take(terms, key);
    await pass(key, -3_600_000);
    expect(await store.take(terms, key)).toMatchObject({ allowed: true, remaining: 1 });
  });

  it('is its own for each key and each name', async () => {
    const key = randomUUID();
    for (let n = 0; n < 4; n++) await store.take(terms, key);
    expect(await store.take(terms, randomUUID())).toMatchObject({ allowed: true });
    expect(await store.take({ ...terms, name: 'other' }, key)).toMatchObject({ allowed: true });
  });

  it('is forgotten when it would be full', async () => {
    const key = randomUUID();
    await store.take(terms, key);
    const ttlMs = await redis.pttl(`rate:test:${key}`);
    expect(ttlMs).toBeGreaterThan(0);
    expect(ttlMs).toBeLessThanOrEqual(12_000);
  });

  it('gives exactly its burst to many who ask at once', async () => {
    const key = randomUUID();
    const taken = await Promise.all(Array.from({ length: 50 }, () => store.take(terms, key)));
    expect(taken.filter(({ allowed }) => allowed)).toHaveLength(3);
  });
});

it('rejects in time when Redis does not answer, and works again after', async () => {
  const own = await startOwnStores();
  const limits = await connectRateLimits(own.redisUrl, options);
  const admin = new Redis(own.redisUrl);
  await admin.client('PAUSE', 60_000, 'WRITE');
  await expect(limits.take(terms, 'x')).rejects.toThrow('timed out');
  await admin.client('UNPAUSE');
  await expect(limits.take(terms, 'x')).resolves.toMatchObject({ allowed: true });
  limits.close();
  admin.disconnect();
  await own.stop();
});
