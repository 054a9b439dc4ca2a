/**
 * The right to relay, as an advisory lock of a session of its own: PostgreSQL gives it to one session at a time and takes
 * it back when that session ends, however its process died.
 */
import pg from 'pg';
import type { RelayLock } from '../../engine/event-log.ts';

/** Any constant will do, as long as nothing else in the database takes the same advisory lock. */
const lockId = 7_310_002;

/** Ends dead peers within seconds, so that their lock is free for others: PostgreSQL itself waits for hours. */
const keepAlive = '-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3';

export function createRelayLock(databaseUrl: string): RelayLock & { close(): Promise<void> } {
  let session: pg.Client | null = null;
  let lost = () => {};
  let held = false;

  const forget = (ended: pg.Client) => {
    if (session !== ended) return;
    session = null;
    if (held) lost();
    held = false;
  };
  const connect = async () => {
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: 'onsale relay',
      connectionTimeoutMillis: 2_000,
      query_timeout: 5_000,
      keepAlive: true,
      options: keepAlive,
    });
    client.on('error', () => forget(client));
    client.on('end', () => forget(client));
    session = client;
    await client.connect();
    return client;
  };
  return {
    async take(onLost) {
      lost = onLost;
      if (held) return true;
      let client = session;
      try {
        client ??= await connect();
        const { rows } = await client.query('select pg_try_advisory_lock($1) as ours', [lockId]);
        held = session === client && rows[0].ours;
        return held;
      } catch (error) {
        const broken = session;
        session = null;
        broken?.end().catch(() => {});
        throw error;
      }
    },
    async close() {
      const client = session;
      session = null;
      held = false;
      await client?.end().catch(() => {});
    },
  };
}
