/**
 * The shared token buckets, on a connection of their own: a flood of refusals must not stand in the gate's way.
 * Nothing is queued or sent again while Redis is away: a limit that answers late is worth less than none, and what to
 * do without it is the edge's decision (http/limits.ts).
 */
import { Redis } from 'ioredis';
import type { RateLimits } from '../../engine/rate-limit.ts';
import { loadScript, runScript } from './scripts.ts';

const takeToken = loadScript('take_token');

export interface RateLimitStore extends RateLimits {
  close(): void;
}

/** Rejects when the first connection fails; later ones come back by themselves. */
export async function connectRateLimits(
  redisUrl: string,
  options: { readonly commandTimeoutMs: number; readonly failed: (error: Error) => void },
): Promise<RateLimitStore> {
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    commandTimeout: options.commandTimeoutMs,
    connectTimeout: 2_000,
    retryStrategy: (attempt) => Math.min(50 * attempt, 1_000),
  });
  redis.on('error', options.failed);
  await redis.connect();

  return {
    async take({ name, perMinute, burst }, key) {
      const answer = await runScript(redis, takeToken, [`rate:${name}:${key}`], [String(perMinute), String(burst)]);
      const [taken, remaining, retryAfterMs, fullAfterMs] = answer as [number, number, number, number];
      return { allowed: taken === 1, remaining, retryAfterMs, fullAfterMs };
    },
    close: () => redis.disconnect(),
  };
}
