/**
 * The connection to one Redis server. ioredis's defaults send a script again whose answer was lost, and so run it twice
 * (measured); here a lost answer rejects at once, nothing is queued while the connection is away, and what to do is the
 * caller's.
 *
 * After every connect the server is asked what it is called before a command may pass: a Redis that was restarted, flushed
 * and restarted, or replaced by a replica has another name, and the scripts refuse a gate that was built under the old one.
 */
import { Redis } from 'ioredis';
import { type SharedWrites, shareWrites } from './shared-writes.ts';

export interface RedisServer {
  readonly redis: Redis;
  /**
   * What the server's memory is called: the id of its run, and of its history (`master_replid`). A replica that is promoted
   * begins another history: it may lack what its master had not sent it, also when it was the master before, in this very run.
   */
  readonly runId: string;
  /** For commands that may wait for the end of the turn, and cost less when others do. */
  readonly shared: SharedWrites;
  /** Asks again what the server is called: its first replica gives it another history under a living connection. */
  recheck(): Promise<void>;
}

export interface ServerConnection {
  /** Rejects with `RedisUnavailable` when not connected within `waitMs`. */
  ready(waitMs: number): Promise<RedisServer>;
  /** The same without waiting; null when not connected. */
  readonly present: RedisServer | null;
  close(): void;
}

export class RedisUnavailable extends Error {
  override readonly name = 'RedisUnavailable';
}

export interface ServerOptions {
  readonly commandTimeoutMs: number;
  readonly failed: (error: Error) => void;
}

/** A server that was demoted and promoted again while we asked nothing of it has another history all the same. */
const recheckEveryMs = 5_000;

export function connectServer(redisUrl: string, options: ServerOptions): ServerConnection {
  const redis = new Redis(redisUrl, {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    commandTimeout: options.commandTimeoutMs,
    // Who says nothing while something is asked is cut off, whatever TCP believes: another connection may get through.
    socketTimeout: 2 * options.commandTimeoutMs,
    connectTimeout: 2_000,
    retryStrategy: (attempt) => Math.min(20 * attempt, 500),
    // A master that became a replica: its address may lead to the new master by now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  let runId: string | null = null;
  const waiting = new Set<() => void>();
  const recheck = async () => {
    runId = nameIn(await redis.info('server', 'replication'));
  };
  const server: RedisServer = {
    redis,
    get runId() {
      return runId ?? '';
    },
    shared: shareWrites(redis),
    recheck,
  };
  const rechecking = setInterval(() => {
    // Rejects when the connection is lost, and then the next one asks.
    if (runId !== null) recheck().catch(() => {});
  }, recheckEveryMs).unref();
  redis.on('error', options.failed);
  redis.on('close', () => {
    runId = null;
  });
  redis.on('ready', () => {
    recheck().then(
      () => {
        for (const proceed of waiting) proceed();
      },
      // The connection went away again: the next 'ready' asks anew.
      () => redis.disconnect(true),
    );
  });
  const connection: ServerConnection = {
    get present() {
      return runId === null ? null : server;
    },
    ready(waitMs) {
      const { present } = connection;
      if (present) return Promise.resolve(present);
      return new Promise((resolve, reject) => {
        const proceed = () => {
          waiting.delete(proceed);
          clearTimeout(timer);
          const now = connection.present;
          if (now) resolve(now);
          else reject(new RedisUnavailable('Redis is not reachable'));
        };
        const timer = setTimeout(proceed, waitMs);
        waiting.add(proceed);
      });
    },
    close() {
      clearInterval(rechecking);
      redis.disconnect();
    },
  };
  return connection;
}

function nameIn(info: string): string | null {
  const [run, history] = ['run_id', 'master_replid'].map((name) => new RegExp(`${name}:([0-9a-f]+)`).exec(info)?.[1]);
  return run && history ? `${run}:${history}` : null;
}
