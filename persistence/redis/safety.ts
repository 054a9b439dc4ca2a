/**
 * Whether this Redis keeps the gate over a restart and drops nothing when memory is short. Read from INFO, which
 * hosted services allow too, other than CONFIG. In a cluster each master is asked.
 */
import type { Redis } from 'ioredis';
import type { UnsafeSetting } from '../unsafe-setting.ts';

/** As INFO names and words them, beside the setting that an operator changes. */
const needs = [
  {
    field: 'aof_enabled',
    wanted: '1',
    setting: 'appendonly',
    needed: 'yes',
    lost: 'each restart of Redis empties the gate, and sales pause until it is rebuilt from PostgreSQL',
  },
  {
    field: 'maxmemory_policy',
    wanted: 'noeviction',
    setting: 'maxmemory-policy',
    needed: 'noeviction',
    lost: 'Redis drops stock, holds or idempotency keys when memory is short, and seats can be sold twice',
  },
];

/** Empty when the settings are safe. */
export async function findUnsafeRedis(redis: Redis): Promise<readonly UnsafeSetting[]> {
  const info = `${await redis.info('persistence')}\r\n${await redis.info('memory')}`;
  return needs.flatMap(({ field, wanted, setting, needed, lost }) => {
    const value = new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? 'unknown';
    return value === wanted ? [] : [{ setting, found: value, needed, lost }];
  });
}
