/** Slots as a real server reckons them. Where keys lead is test/redis-cluster.test.ts. */
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { startRedisServer } from '../../test/redis-servers.ts';
import { slotOf } from './key-map.ts';

it('knows the slot of every key as Redis does', async () => {
  const server = await startRedisServer({ cluster: true });
  const redis = new Redis(server.url);
  for (const key of [
    '',
    'a',
    'café',
    '{e}:gate',
    'x{e}y{f}',
    '{}x',
    '{',
    'a{b',
    '}{a}',
    '{{a}}',
    'rate:login:10.0.0.1',
  ])
    expect([key, slotOf(key)]).toEqual([key, await redis.cluster('KEYSLOT', key)]);
  redis.disconnect();
  await server.stop();
});
