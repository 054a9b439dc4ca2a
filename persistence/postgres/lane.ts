/**
 * One PostgreSQL connection whose statements run in the order in which they were given: the lane of a group of events.
 * They are sent without waiting for the answers of those before (each is a transaction of its own, and one that fails
 * does not touch the next), so that PostgreSQL need not wait for us between two. A statement without an answer rejects with `AnswerLost` (it may have been done); the lane connects anew by itself.
 */
import pg from 'pg';

export interface Lane {
  query<R extends pg.QueryResultRow>(statement: pg.QueryConfig): Promise<pg.QueryResult<R>>;
  close(): Promise<void>;
}

export class AnswerLost extends Error {
  override readonly name = 'AnswerLost';
}

export interface LaneOptions {
  readonly databaseUrl: string;
  readonly name: string;
  readonly statementTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

export function openLane(options: LaneOptions): Lane {
  const connection = keepConnected(options);
  return {
    async query<R extends pg.QueryResultRow>(statement: pg.QueryConfig) {
      const client = connection.present ?? (await connection.open());
      try {
        return await client.query<R>(statement);
      } catch (error) {
        if (isAnswer(error)) throw error;
        connection.drop(client);
        throw new AnswerLost('PostgreSQL did not answer', { cause: error });
      }
    },
    close: connection.close,
  };
}

/**
 * A plan is made once and kept while its table grows from nothing to a sale, so that a scan, which was the cheapest way
 * when there was nothing to scan, must not be thought of: all statements of a lane know the keys of their rows.
 */
const lookUp = '-c enable_seqscan=off';

/** One connection, made when it is asked for and made anew after it was lost. */
function keepConnected(options: LaneOptions) {
  let connecting: Promise<pg.Client> | null = null;
  let present: pg.Client | null = null;
  let closed = false;
  const forget = (client: pg.Client) => {
    if (present !== client) return;
    present = null;
    connecting = null;
  };
  const connect = async () => {
    const client = new pg.Client({
      connectionString: options.databaseUrl,
      pipeline: true,
      options: lookUp,
      application_name: options.name,
      connectionTimeoutMillis: options.connectTimeoutMs,
      statement_timeout: options.statementTimeoutMs,
      lock_timeout: options.statementTimeoutMs,
      idle_in_transaction_session_timeout: 2 * options.statementTimeoutMs,
      // The server answers its own timeout first; this one is for a server that does not answer at all.
      query_timeout: options.statementTimeoutMs + 1_000,
    });
    // Without a listener an idle connection that the server ends would end the process.
    client.on('error', () => forget(client));
    client.on('end', () => forget(client));
    try {
      await client.connect();
    } catch (cause) {
      connecting = null;
      throw new AnswerLost('PostgreSQL is not reachable', { cause });
    }
    present = client;
    return client;
  };
  return {
    get present() {
      return closed ? null : present;
    },
    async open() {
      if (closed) throw new AnswerLost('the lane is closed');
      connecting ??= connect();
      return connecting;
    },
    drop(client: pg.Client) {
      forget(client);
      client.end().catch(() => {});
    },
    async close() {
      closed = true;
      await present?.end().catch(() => {});
    },
  };
}

/** True for an error that PostgreSQL itself sent and after which the statement is surely undone. */
export function isAnswer(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && error.severity === 'ERROR';
}
