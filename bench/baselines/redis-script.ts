/**
 * Baseline: a Redis script for each request that decides, and an insert for each request that is awaited. The usual
 * design with Redis in front. Its counters live in Redis alone: what PostgreSQL has says who bought, not what is free.
 */
import { Redis } from 'ioredis';
import { accept, reject, unavailable } from '../../engine/outcome.ts';
import { realWorld } from '../../world.ts';
import {
  bookingColumns,
  bookingValues,
  type Desk,
  type DeskStores,
  type Draft,
  draftOf,
  findEarlier,
  type Office,
} from './desk.ts';

export async function openRedisScriptDesk(office: Office, { redisUrl }: DeskStores): Promise<Desk> {
  const { pool, zones } = office;
  const { ids } = realWorld();
  const redis = new Redis(redisUrl);
  await Promise.all(
    [...zones].map(([id, { eventId, available }]) => redis.set(stockKey(eventId, id), available, 'NX')),
  );
  const [take, giveBack] = await Promise.all([takeLua, giveBackLua].map((lua) => redis.script('LOAD', lua)));

  const run = (sha: unknown, draft: Draft, ...more: (string | number)[]) => {
    const { eventId, zoneId, userId, quantity, keyHash } = draft;
    const keys = [stockKey(eventId, zoneId), `base:{${eventId}}:users`, `base:{${eventId}}:keys`];
    return redis.evalsha(String(sha), keys.length, ...keys, userId, keyHash.toString('hex'), quantity, ...more);
  };
  return {
    async reserve(wanted) {
      const draft = draftOf(wanted, office, ids.next());
      if (!draft) return reject('NOT_FOUND');
      const decision = await run(take, draft, draft.maxPerUser, draft.bookingId);
      if (decision === 'limit') return reject('MAX_PER_USER_EXCEEDED');
      if (decision === 'stock') return reject('INSUFFICIENT_STOCK', { requested: draft.quantity });
      // The first use of the key may not have committed yet: then nobody can say what it gets.
      if (decision === 'seen')
        return (await findEarlier(pool, draft)) ?? unavailable('the booking of this key is not there yet');
      try {
        await pool.query({ ...insertSql, values: [...bookingValues(draft)] });
      } catch (error) {
        await run(giveBack, draft);
        throw error;
      }
      return accept(draft);
    },
    async close() {
      redis.disconnect();
      await pool.end();
    },
  };
}

export function stockKey(eventId: string, zoneId: string): string {
  return `base:{${eventId}}:stock:${zoneId}`;
}

const takeLua = `
  local stock, users, keys = KEYS[1], KEYS[2], KEYS[3]
  local user, key, quantity, max, booking = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
  if redis.call('HSETNX', keys, key, booking) == 0 then return 'seen' end
  local refusal = nil
  if tonumber(redis.call('GET', stock) or 0) < quantity then refusal = 'stock'
  elseif tonumber(redis.call('HGET', users, user) or 0) + quantity > max then refusal = 'limit' end
  if refusal then redis.call('HDEL', keys, key) return refusal end
  redis.call('DECRBY', stock, quantity)
  redis.call('HINCRBY', users, user, quantity)
  return 'taken'`;

const giveBackLua = `
  redis.call('INCRBY', KEYS[1], ARGV[3])
  redis.call('HINCRBY', KEYS[2], ARGV[1], -ARGV[3])
  return redis.call('HDEL', KEYS[3], ARGV[2])`;

const insertSql = {
  name: 'insert',
  text: `insert into bookings (${bookingColumns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'reserved')`,
};
