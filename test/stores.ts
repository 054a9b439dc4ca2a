/**
 * Real PostgreSQL and Redis for tests. Each vitest worker has a private pair, started by the first file that asks
 * and used again by the files after it; one worker runs one file at a time, so a file has its stores for itself.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, inject, vi } from 'vitest';
import { type EmbeddedOptions, type EmbeddedStores, startEmbeddedStores } from '../persistence/embedded.ts';
import { migrate } from '../persistence/postgres/migrate.ts';

/** Small, so that several fit beside each other; nothing that a promise rests on is weakened. */
const postgresFlags = ['-c', 'shared_buffers=32MB', '-c', 'max_wal_size=256MB'];

let started: Promise<EmbeddedStores> | undefined;
let template: Promise<void> | undefined;
let flushed: Promise<void> | undefined;

/** A database with the present schema and nothing in it, for the caller alone. */
export async function openDatabase(): Promise<{ readonly url: string; drop(): Promise<void> }> {
  const { databaseUrl } = await workerStores();
  template ??= makeTemplate(databaseUrl);
  await template;
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await execute(databaseUrl, `create database ${name} template migrated`);
  return {
    url: inDatabase(databaseUrl, name),
    drop: async () => void (await execute(databaseUrl, `drop database if exists ${name} with (force)`)),
  };
}

/** The address of a Redis that was empty when this file asked first; the file has all its logical databases. */
export async function openRedis(): Promise<string> {
  const { redisUrl } = await workerStores();
  flushed ??= flush(redisUrl);
  await flushed;
  return redisUrl;
}

/**
 * Stores that the caller alone has, to restart or to break: the pid files are `<dataDir>/postgres/postmaster.pid` and
 * `<dataDir>/redis/redis.pid`, and a second call with the same folder starts again what does not run. The end of the
 * run stops them and removes their data.
 */
export async function startOwnStores(
  options: Partial<EmbeddedOptions> = {},
): Promise<EmbeddedStores & { readonly dataDir: string }> {
  const dataDir = join(inject('storesFolder'), `own-${randomUUID()}`);
  const started = { dataDir, ...options, postgresFlags: [...postgresFlags, ...(options.postgresFlags ?? [])] };
  return { ...(await startEmbeddedStores(started)), dataDir: started.dataDir };
}

/** Has the Redis of `startOwnStores` come back on its data, as another run of itself. */
export async function restartRedis(own: { readonly dataDir: string }): Promise<void> {
  const pid = Number(readFileSync(join(own.dataDir, 'redis', 'redis.pid'), 'utf8'));
  process.kill(pid, 'SIGTERM');
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), 30_000);
  await startOwnStores({ dataDir: own.dataDir });
}

function workerStores(): Promise<EmbeddedStores> {
  const dataDir = join(inject('storesFolder'), `worker-${process.env.VITEST_POOL_ID}`);
  started ??= startEmbeddedStores({ dataDir, postgresFlags });
  return started;
}

/** Made once a worker, under another name first: files after this one find it whole or not at all. */
async function makeTemplate(databaseUrl: string): Promise<void> {
  const [found] = await execute(databaseUrl, `select from pg_database where datname = 'migrated'`);
  if (found) return;
  await execute(databaseUrl, 'drop database if exists migrating');
  await execute(databaseUrl, 'create database migrating');
  await migrate(inDatabase(databaseUrl, 'migrating'));
  await execute(databaseUrl, 'alter database migrating rename to migrated');
}

async function flush(redisUrl: string): Promise<void> {
  const client = new Redis(redisUrl);
  await client.flushall();
  await client.quit();
}

async function execute(databaseUrl: string, sql: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

function inDatabase(databaseUrl: string, name: string): string {
  const url = new URL(databaseUrl);
  url.pathname = name;
  return url.href;
}
