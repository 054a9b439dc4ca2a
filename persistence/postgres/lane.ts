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

  let losses = 0;
  const lost = (message: string, cause?: unknown) => {
    losses++;
    return new AnswerLost(message, { cause });
  };
  const run = async <R extends pg.QueryResultRow>(statement: pg.QueryConfig) => {
    if (closed) throw new AnswerLost('the lane is closed');
    const connection =
      present ??
      (await client().catch((error: unknown) => {
        throw lost('PostgreSQL is not reachable', error);
      }));
    try {
      return await connection.query<R>(statement);
    } catch (error) {
      if (isAnswer(error)) throw error;
      forget(connection);
      connection.end().catch(() => {});
      throw lost('PostgreSQL did not answer', error);
    }
  };

  /** Settles when the statement before has ended: pg's own queue is deprecated. */
  let turn: Promise<unknown> = Promise.resolve();
  return {
    query<R extends pg.QueryResultRow>(statement: pg.QueryConfig) {
      const before = losses;
      const answer = turn.then(() => {
        // Whoever waited behind a lost answer hears of it now, and not after a connection attempt each.
        if (before !== losses) throw new AnswerLost('PostgreSQL did not answer the statement before');
        return run<R>(statement);
      });
      turn = answer.catch(() => {});
      return answer;
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
