/**
 * A private PostgreSQL and Redis for whoever configured none: `npm start`, the commands, the tests.
 * Both keep their data under one folder, listen on the loopback interface only, and outlive a kill -9 of the
 * process that started them: the next start adopts them, or starts them again on the same data. Several processes may
 * work with one pair: the last to leave stops it.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { signIn, signOut } from './embedded/guests.ts';
import { freePorts, isFree } from './embedded/ports.ts';
import { layPostgresData, makeDatabase, postgresServer, postgresUrl } from './embedded/postgres.ts';
import { redisServer, redisUrl } from './embedded/redis.ts';
import { ensureRunning, runningPid, type Server, stopServer } from './embedded/server.ts';
import { inTurn } from './embedded/turn.ts';

export interface EmbeddedOptions {
  /** Made when it is missing. */
  readonly dataDir: string;
  /** Hears each step as one line. */
  readonly say?: (line: string) => void;
  /** More arguments for `postgres`, such as `-c`, `shared_buffers=16MB`; a later one wins. */
  readonly postgresFlags?: readonly string[];
  /** More arguments for `redis-server`, such as `--appendonly`, `no`. */
  readonly redisFlags?: readonly string[];
}

export interface StoreUrls {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

export interface EmbeddedStores extends StoreUrls {
  /**
   * Stops both, also when they were adopted, and resolves when their processes are gone; but leaves them running while
   * another process works with them.
   */
  stop(): Promise<void>;
}

/** What stays the same from start to start: `<dataDir>/stores.json`, which only its owner can read. */
interface Remembered {
  readonly password: string;
  readonly postgresPort: number;
  readonly redisPort: number;
}

/** Starts, or adopts when already running, a private PostgreSQL and Redis with data under `dataDir`. */
export async function startEmbeddedStores(options: EmbeddedOptions): Promise<EmbeddedStores> {
  const dataDir = resolve(options.dataDir);
  const say = options.say ?? (() => {});
  mkdirSync(dataDir, { recursive: true });
  return inTurn(dataDir, async () => {
    const known = recall(dataDir) ?? (await invent());
    await layPostgresData({ dataDir, password: known.password, say });
    const settled = await avoidStrangers(known, serversOf(dataDir, known, options));
    remember(dataDir, settled);
    const { postgres, redis } = serversOf(dataDir, settled, options);
    await Promise.all([start(postgres, say), start(redis, say)]);
    await makeDatabase(settled.postgresPort, settled.password);
    signIn(dataDir);
    const leave = async () => {
      if (signOut(dataDir)) await Promise.all([stopServer(postgres), stopServer(redis)]);
      else say('PostgreSQL and Redis: left running, another process works with them');
    };
    return { ...urlsOf(settled), stop: () => inTurn(dataDir, leave) };
  });
}

/** The addresses of the stores that run on `dataDir`; null when one of them does not. */
export async function findEmbeddedStores(dataDir: string): Promise<StoreUrls | null> {
  const remembered = recall(resolve(dataDir));
  if (!remembered) return null;
  const { postgres, redis } = serversOf(resolve(dataDir), remembered, {});
  const running = (await postgres.answers()) && (await redis.answers());
  return running ? urlsOf(remembered) : null;
}

function serversOf(dataDir: string, known: Remembered, options: Partial<EmbeddedOptions>) {
  const { say = () => {}, postgresFlags = [], redisFlags = [] } = options;
  const { password, postgresPort, redisPort } = known;
  return {
    postgres: postgresServer({ dataDir, port: postgresPort, password, flags: postgresFlags, say }),
    redis: redisServer({ dataDir, port: redisPort, password, flags: redisFlags }),
  };
}

function urlsOf({ password, postgresPort, redisPort }: Remembered): StoreUrls {
  return { databaseUrl: postgresUrl(postgresPort, password), redisUrl: redisUrl(redisPort, password) };
}

async function start(server: Server, say: (line: string) => void): Promise<void> {
  const started = await ensureRunning(server);
  say(`${server.name}: ${started ? 'started' : 'runs already'}`);
}

/** Another program may have taken a remembered port while our server was down: then the server gets another one. */
async function avoidStrangers(
  known: Remembered,
  { postgres, redis }: { readonly postgres: Server; readonly redis: Server },
): Promise<Remembered> {
  const usable = async (server: Server, port: number) => runningPid(server) !== null || (await isFree(port));
  const fresh = await invent();
  return {
    password: known.password,
    postgresPort: (await usable(postgres, known.postgresPort)) ? known.postgresPort : fresh.postgresPort,
    redisPort: (await usable(redis, known.redisPort)) ? known.redisPort : fresh.redisPort,
  };
}

async function invent(): Promise<Remembered> {
  const [postgresPort, redisPort] = (await freePorts(2)) as [number, number];
  return { password: randomBytes(24).toString('hex'), postgresPort, redisPort };
}

function recall(dataDir: string): Remembered | null {
  const file = join(dataDir, 'stores.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
}

function remember(dataDir: string, remembered: Remembered): void {
  const file = join(dataDir, 'stores.json');
  writeFileSync(`${file}.new`, `${JSON.stringify(remembered, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
