/**
 * One PostgreSQL connection whose statements run in the order in which they were given: the lane of a group of zones.
 * A statement without an answer rejects with `AnswerLost` (it may have been done); the lane connects anew by itself.
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
  let connecting: Promise<pg.Client> | null = null;
  let closed = false;

  const connect = async () => {
    const client = new pg.Client({
      connectionString: options.databaseUrl,
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
    await client.connect();
    return client;
  };
  let present: pg.Client | null = null;
  const forget = (client: pg.Client) => {
    if (present !== client) return;
    present = null;
    connecting = null;
  };
  const client = () => {
    connecting ??= connect().then(
      (connected) => {
        present = connected;
        return connected;
      },
      (error: unknown) => {
        connecting = null;
        throw error;
      },
    );
    return connecting;
  };

  return {
    async query(statement) {
      if (closed) throw new AnswerLost('the lane is closed');
      const connection = present ?? (await client());
      try {
        return await connection.query(statement);
      } catch (error) {
        if (isAnswer(error)) throw error;
        forget(connection);
        connection.end().catch(() => {});
        throw new AnswerLost('PostgreSQL did not answer', { cause: error });
      }
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
