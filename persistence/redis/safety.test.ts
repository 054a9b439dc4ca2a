import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRedis } from '../../test/stores.ts';
import { findUnsafeRedis } from './safety.ts';

describe('findUnsafeRedis', () => {
  let redis: Redis;
  beforeAll(async () => {
    redis = new Redis(await openRedis());
  });
  afterAll(() => redis.quit());

  it('finds nothing on the private Redis', async () => {
    expect(await findUnsafeRedis(redis)).toEqual([]);
  });

  it('names appendonly when the gate would not survive a restart', async () => {
    await redis.config('SET', 'appendonly', 'no');
    expect(await findUnsafeRedis(redis)).toEqual([
      { setting: 'appendonly', found: '0', needed: 'yes', lost: expect.any(String) },
    ]);
    await redis.config('SET', 'appendonly', 'yes');
  });

  it('names maxmemory-policy when keys could be evicted', async () => {
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    expect(await findUnsafeRedis(redis)).toEqual([
      { setting: 'maxmemory-policy', found: 'allkeys-lru', needed: 'noeviction', lost: expect.any(String) },
    ]);
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
  });
});
