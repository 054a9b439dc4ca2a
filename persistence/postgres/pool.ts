/**
 * The pool for everything that needs no order of its own: reads, journal, outbox, accounts. All its waits are bounded. Who
 * has a connection may send several statements behind one another, without waiting for the answers.
 */
import pg from 'pg';

export interface PoolOptions {
  readonly databaseUrl: string;
  readonly connectionsMax: number;
  readonly statementTimeoutMs: number;
  /** Told of idle connections that the server ended. */
  readonly failed: (error: Error) => void;
}

export function openPool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.databaseUrl,
    pipeline: true,
    application_name: 'onsale',
    max: options.connectionsMax,
    connectionTimeoutMillis: 2_000,
    statement_timeout: options.statementTimeoutMs,
    lock_timeout: options.statementTimeoutMs,
    idle_in_transaction_session_timeout: 2 * options.statementTimeoutMs,
    query_timeout: options.statementTimeoutMs + 1_000,
  });
  // Without a listener a connection that the server ends would end the process. The pool listens to idle ones only;
  // one that is checked out may end between two queries of a transaction, and then its next query says so.
  pool.on('error', options.failed);
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}
