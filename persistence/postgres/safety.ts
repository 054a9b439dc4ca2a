/**
 * Whether this PostgreSQL keeps what it commits. A kill -9 does not show it, since the page cache survives: the
 * settings must be read. They are read in a session, where a role or a database may have changed them.
 */
import type pg from 'pg';
import type { UnsafeSetting } from '../unsafe-setting.ts';

const needs = [
  { setting: 'fsync', lost: 'a power cut can lose acknowledged bookings or destroy the database' },
  { setting: 'full_page_writes', lost: 'a power cut can leave half-written pages that recovery does not mend' },
  { setting: 'synchronous_commit', lost: 'a crash of the database loses the bookings acknowledged just before it' },
];

/** Empty when the settings are safe. Any `synchronous_commit` but `off` waits for the local disk, so it will do. */
export async function findUnsafePostgres(database: pg.Pool | pg.ClientBase): Promise<readonly UnsafeSetting[]> {
  const { rows } = await database.query<{ name: string; setting: string }>(
    'select name, setting from pg_settings where name = any($1)',
    [needs.map((need) => need.setting)],
  );
  const found = new Map(rows.map((row) => [row.name, row.setting]));
  return needs
    .map((need) => ({ ...need, found: found.get(need.setting) ?? 'unknown', needed: 'on' }))
    .filter(({ found }) => found === 'off' || found === 'unknown');
}
