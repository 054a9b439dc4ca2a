/**
 * Brings a database to the schema that this build needs: numbered SQL files, up only, each in its own transaction,
 * under an advisory lock so that nodes that start together do it once. A file that ran is never edited. Each start also
 * makes the audit log's partitions of the months to come.
 */
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { makeAuditPartitions } from './audit-log.ts';

const migrationsFolder = new URL(import.meta.resolve('#migrations/0001_first_sale.sql'));
/** Any constant will do, as long as nothing else in the database takes the same advisory lock. */
const lockId = 7_310_001;

/** Applies what is missing and answers the names of the files that it ran. */
export async function migrate(databaseUrl: string): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [lockId]);
    await client.query(
      'create table if not exists migrations (name text primary key, ran_at timestamptz not null default now())',
    );
    const { rows } = await client.query<{ name: string }>('select name from migrations');
    const done = new Set(rows.map((row) => row.name));
    const folder = fileURLToPath(new URL('.', migrationsFolder));
    const missing = (await readdir(folder)).filter((name) => name.endsWith('.sql') && !done.has(name)).sort();
    for (const name of missing) await run(client, name, await readFile(`${folder}${name}`, 'utf8'));
    await makeAuditPartitions(client, Date.now());
    return missing;
  } finally {
    await client.end();
  }
}

async function run(client: pg.Client, name: string, sql: string): Promise<void> {
  await client.query('begin');
  try {
    await client.query(sql);
    await client.query('insert into migrations (name) values ($1)', [name]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw new Error(`migration ${name} failed`, { cause: error });
  }
}
