/**
 * What is behind REDIS_URL: one server, or the masters of a Redis Cluster, each on a connection of its own. A key leads to
 * the server that has it, and all keys of an event are on one.
 *
 * Why not ioredis's own cluster client: it follows a key to another server by itself, and the scripts must be told the name
 * of the very server that runs them, or a replica that was promoted would pass for its master (docs/adr/0021).
 */
import { type KeyMap, readKeyMap } from './key-map.ts';
import {
  connectServer,
  type RedisServer,
  RedisUnavailable,
  type ServerConnection,
  type ServerOptions,
} from './server.ts';

export interface GateConnection {
  /**
   * Has the server that has `key` do something. Rejects with `RedisUnavailable` when it is not connected within `waitMs`.
   * When the key turns out to have moved, the work is begun anew where it is now; nothing of it was done before.
   */
  on<T>(key: string, waitMs: number, work: (server: RedisServer) => Promise<T>): Promise<T>;
  /** Every server. Rejects when one of them is not connected within `waitMs`. */
  all(waitMs: number): Promise<readonly RedisServer[]>;
  /** Whether every server is connected. */
  readonly isPresent: boolean;
  close(): void;
}

/** `redisUrl`: one address, or several members of a Redis Cluster by comma, of which the others are learnt. */
export function connectGate(redisUrl: string, options: ServerOptions): GateConnection {
  const urls = redisUrl.split(',');
  return urls.length === 1 ? oneServer(connectServer(redisUrl, options)) : clusterOf(urls, options);
}

function oneServer(connection: ServerConnection): GateConnection {
  return {
    on: async (_key, waitMs, work) => work(connection.present ?? (await connection.ready(waitMs))),
    all: async (waitMs) => [await connection.ready(waitMs)],
    get isPresent() {
      return connection.present !== null;
    },
    close: connection.close,
  };
}

function clusterOf(seeds: readonly string[], options: ServerOptions): GateConnection {
  const servers = new Map<string, ServerConnection>();
  let map: KeyMap | null = null;
  let learning: Promise<KeyMap> | null = null;
  let closed = false;

  /** Asks whoever answers first which master has what. */
  const learn = () => {
    learning ??= readKeyMap([...servers.keys(), ...seeds], options.commandTimeoutMs)
      .then(take)
      .finally(() => {
        learning = null;
      });
    return learning;
  };
  const take = (found: KeyMap) => {
    for (const [url, server] of servers) {
      if (found.masters.has(url)) continue;
      server.close();
      servers.delete(url);
    }
    if (!closed) for (const url of found.masters) if (!servers.has(url)) servers.set(url, connectServer(url, options));
    map = found;
    return found;
  };
  const reach = async (key: string, waitMs: number) => {
    const server = servers.get((map ?? (await learn())).masterOf(key) ?? '');
    if (!server) throw new RedisUnavailable('no server of the Redis Cluster has this');
    return server.present ?? (await server.ready(waitMs));
  };
  return {
    async on(key, waitMs, work) {
      try {
        return await work(await reach(key, waitMs));
      } catch (error) {
        // A replica may have taken the place of whoever is away: known to the next who asks.
        if (error instanceof RedisUnavailable) void learn().catch(options.failed);
        if (!hasMoved(error)) throw error;
      }
      await learn();
      return work(await reach(key, waitMs));
    },
    async all(waitMs) {
      await (map ?? learn());
      return Promise.all([...servers.values()].map((server) => server.ready(waitMs)));
    },
    get isPresent() {
      return map !== null && [...servers.values()].every(({ present }) => present !== null);
    },
    close() {
      closed = true;
      for (const server of servers.values()) server.close();
    },
  };
}

/** The server refused before it did anything. While a slot is on its way it answers ASK or TRYAGAIN, and is asked later. */
function hasMoved(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('MOVED ');
}
