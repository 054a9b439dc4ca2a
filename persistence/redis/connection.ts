/**
 * The gate's connection. ioredis's defaults send a script again whose answer was lost, and so run it twice (measured);
 * here a lost answer rejects at once, nothing is queued while the connection is away, and what to do is the caller's.
 *
 * After every connect the server's run id is read before a command may pass: a Redis that was restarted, flushed and
 * restarted, or replaced by a replica has another one, and the scripts refuse a gate that was built under the old one.
 */
import { Redis } from 'ioredis';

export interface GateConnection {
  /** The client and the run id of the server behind it. Rejects when not connected within `waitMs`. */
  ready(waitMs: number): Promise<{ readonly redis: Redis; readonly runId: string }>;
  /** The same without waiting; null when not connected. */
  readonly present: { readonly redis: Redis; readonly runId: string } | null;
  close(): void;
}

class GateUnavailable extends Error {
  override readonly name = 'GateUnavailable';
}

export function connectGate(
  redisUrl: string,
  options: { readonly commandTimeoutMs: number; readonly failed: (error: Error) => void },
): GateConnection {
  const redis = new Redis(redisUrl, {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    commandTimeout: options.commandTimeoutMs,
    connectTimeout: 2_000,
    retryStrategy: (attempt) => Math.min(20 * attempt, 500),
  });
  let runId: string | null = null;
  let waiting: (() => void)[] = [];

  redis.on('error', options.failed);
  redis.on('close', () => {
    runId = null;
  });
  redis.on('ready', () => {
    redis.info('server').then(
      (info) => {
        runId = /run_id:([0-9a-f]+)/.exec(info)?.[1] ?? null;
        const wake = waiting;
        waiting = [];
        for (const proceed of wake) proceed();
      },
      // The connection went away again: the next 'ready' asks anew.
      () => redis.disconnect(true),
    );
  });

  const connection: GateConnection = {
    get present() {
      return runId === null ? null : { redis, runId };
    },
    ready(waitMs) {
      const present = connection.present;
      if (present) return Promise.resolve(present);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new GateUnavailable('Redis is not reachable')), waitMs);
        waiting.push(() => {
          clearTimeout(timer);
          const now = connection.present;
          if (now) resolve(now);
          else reject(new GateUnavailable('Redis went away again'));
        });
      });
    },
    close: () => redis.disconnect(),
  };
  return connection;
}
