/** The stores a command works on: those that are configured, else the private ones, running already or started now. */
import { type Config, UsageError } from '../config.ts';
import { startEmbeddedStores } from '../persistence/embedded.ts';
import { migrate } from '../persistence/postgres/migrate.ts';

export interface Stores {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** True when they are the private ones of the demo. */
  readonly embedded: boolean;
  /** Stops those that nobody else works with; configured ones go on. */
  stop(): Promise<void>;
}

/** Ready and migrated. `say` hears each step as one line. */
export async function openStores(config: Config, say: (line: string) => void): Promise<Stores> {
  const { DATABASE_URL, REDIS_URL, ONSALE_DATA_DIR } = config;
  if (DATABASE_URL && REDIS_URL) {
    await migrate(DATABASE_URL).catch(explain);
    return { databaseUrl: DATABASE_URL, redisUrl: REDIS_URL, embedded: false, stop: async () => {} };
  }
  const stores = await startEmbeddedStores({ dataDir: ONSALE_DATA_DIR, say });
  const databaseUrl = DATABASE_URL ?? stores.databaseUrl;
  const ran = await migrate(databaseUrl).catch(explain);
  if (ran.length > 0) say(`PostgreSQL: schema brought up to date (${ran.join(', ')})`);
  return { databaseUrl, redisUrl: REDIS_URL ?? stores.redisUrl, embedded: true, stop: stores.stop };
}

/** PostgreSQL's own codes for a user, a password or a database that are not there. */
const refusesUs = new Set(['28000', '28P01', '3D000']);

/** An address that is wrong is explained by its error's message; whatever else fails here is a bug, and keeps its stack. */
function explain(error: unknown): never {
  const isAddress =
    error instanceof Error && 'code' in error && ('syscall' in error || refusesUs.has(String(error.code)));
  throw isAddress ? new UsageError(`DATABASE_URL: ${error.message}`) : error;
}
