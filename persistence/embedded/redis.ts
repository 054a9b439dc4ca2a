/**
 * The private Redis: its configuration, its start and its sign of life. It runs the `redis-server` on the PATH.
 * The append-only file lets the gate survive a restart; losing it costs a rebuild from PostgreSQL, never a promise.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { type Server, spawnDetached } from './server.ts';

export interface RedisOptions {
  /** Absolute. Redis lives in its folder `redis`. */
  readonly dataDir: string;
  readonly port: number;
  readonly password: string;
  readonly flags: readonly string[];
}

export function redisUrl(port: number, password: string): string {
  return `redis://:${password}@127.0.0.1:${port}/0`;
}

export function redisServer(options: RedisOptions): Server {
  const folder = join(options.dataDir, 'redis');
  const configFile = join(folder, 'redis.conf');
  return {
    name: 'Redis',
    pidFile: join(folder, 'redis.pid'),
    logFile: join(options.dataDir, 'redis.log'),
    passing: null,
    mark: configFile,
    stopSignal: 'SIGTERM',
    answers: () => answers(options, configFile),
    launch: () => launch(options, folder, configFile),
  };
}

async function launch(options: RedisOptions, folder: string, configFile: string): Promise<ChildProcess> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // The password stands in a private file: every user of the machine can read a command line.
  writeFileSync(configFile, configuration(options, folder), { mode: 0o600 });
  const place = { cwd: folder, logFile: join(options.dataDir, 'redis.log') };
  try {
    return await spawnDetached('redis-server', [configFile, ...options.flags], place);
  } catch (cause) {
    throw new Error('redis-server cannot be run: install Redis 7, or set REDIS_URL', { cause });
  }
}

/** The process keeps its command line (`set-proc-title no`), since that is how `runningPid` knows it. */
function configuration(options: RedisOptions, folder: string): string {
  return `bind 127.0.0.1
port ${options.port}
requirepass ${options.password}
dir "${folder}"
pidfile "${join(folder, 'redis.pid')}"
set-proc-title no
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
`;
}

async function answers(options: RedisOptions, configFile: string): Promise<boolean> {
  const client = new Redis(redisUrl(options.port, options.password), {
    lazyConnect: true,
    connectTimeout: 5_000,
    commandTimeout: 5_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  client.on('error', () => {}); // no server, a stranger's, or one that still loads: the rejection says so
  try {
    await client.connect();
    const info = await client.info('server');
    return info.includes(`\r\nconfig_file:${configFile}\r\n`);
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}
