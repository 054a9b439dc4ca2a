/**
 * The shared token buckets, on connections of their own: a flood of refusals must not stand in the gate's way.
 * Nothing is queued or sent again while Redis is away: a limit that answers late is worth less than none, and what to
 * do without it is the edge's decision (http/limits.ts).
 */
import type { RateLimits } from '../../engine/rate-limit.ts';
import { connectGate } from './connection.ts';
import { loadScript, runScript } from './scripts.ts';
import type { ServerOptions } from './server.ts';

const takeToken = loadScript('take_token');

export interface RateLimitStore extends RateLimits {
  close(): void;
}

/** How long the first connection may take: both sides may just be starting, on a machine that is busy with it. */
const connectWaitMs = 5_000;

/** Rejects when the first connection fails; later ones come back by themselves. */
export async function connectRateLimits(redisUrl: string, options: ServerOptions): Promise<RateLimitStore> {
  const connection = connectGate(redisUrl, options);
  try {
    await connection.all(connectWaitMs);
  } catch (error) {
    connection.close();
    throw error;
  }
  return {
    async take({ name, perMinute, burst }, key) {
      const bucket = `rate:${name}:${key}`;
      const answer = await connection.on(bucket, 0, (server) =>
        runScript(server, takeToken, [bucket], [String(perMinute), String(burst)]),
      );
      const [taken, remaining, retryAfterMs, fullAfterMs] = answer as [number, number, number, number];
      return { allowed: taken === 1, remaining, retryAfterMs, fullAfterMs };
    },
    close: connection.close,
  };
}
