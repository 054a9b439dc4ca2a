/** What a report must say of the stores: their versions, the settings that promises and speed hang on, their processes. */
import { Redis } from 'ioredis';
import pg from 'pg';
import type { StoreUrls } from '../persistence/embedded.ts';
import { parentOf } from './processes.ts';

export interface StoreFacts {
  readonly postgres: Readonly<Record<string, string>>;
  readonly redis: Readonly<Record<string, string>>;
  /** Process ids; null when they are not of this machine. */
  readonly postgresPid: number | null;
  readonly redisPid: number | null;
}

const postgresSettings = [
  'server_version',
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_sync_method',
  'shared_buffers',
  'max_wal_size',
  'commit_delay',
];
const redisSettings = ['appendonly', 'appendfsync', 'maxmemory-policy'];

/** Rejects when a store cannot be reached. */
export async function readStoreFacts({ databaseUrl, redisUrl }: StoreUrls): Promise<StoreFacts> {
  const [truth, gate] = await Promise.all([readPostgres(databaseUrl), readRedis(redisUrl)]);
  return { ...truth, ...gate };
}

async function readPostgres(databaseUrl: string) {
  return withPostgres(databaseUrl, async (client) => {
    const { rows } = await client.query<{ name: string; setting: string }>(
      `select name, current_setting(name) as setting from pg_settings where name = any($1)`,
      [postgresSettings],
    );
    const { rows: own } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    return {
      postgres: Object.fromEntries(rows.map(({ name, setting }) => [name, setting])),
      // The parent of our session's process is the server itself.
      postgresPid: isLocal(databaseUrl) && own[0] ? parentOf(own[0].pid) : null,
    };
  });
}

export async function withPostgres<T>(databaseUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function readRedis(redisUrl: string) {
  const client = new Redis(redisUrl);
  try {
    const info = await client.info('server');
    const field = (name: string) => new RegExp(`^${name}:(.*)\r$`, 'm').exec(info)?.[1] ?? '';
    const settings = await Promise.all(redisSettings.map((name) => client.config('GET', name)));
    const pairs = (settings as [string, string][]).filter((pair) => pair.length === 2);
    return {
      redis: { version: field('redis_version'), ...Object.fromEntries(pairs) },
      redisPid: isLocal(redisUrl) ? Number(field('process_id')) : null,
    };
  } finally {
    client.disconnect();
  }
}

function isLocal(url: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}
