/**
 * The journal of event-sourced actors. Appends that arrive together are committed together, and what the events mean
 * for payments, tickets and the outbox is written in the same transaction (projection.ts). Actors that recover together
 * read together.
 */
import type { Duplex } from 'node:stream';
import type pg from 'pg';
import type { Journal, JournalRecord } from '../../engine/ports.ts';
import type { SagaEvent } from '../../engine/saga-events.ts';
import { decode, encode } from '../codec.ts';
import { bigints, packets, texts } from './binary-arrays.ts';
import { gather } from './gather.ts';
import { isAnswer } from './lane.ts';
import { projectSagas } from './projection.ts';

/**
 * Records of one transaction, and actors of one read. With hundreds, all sagas go in step: Node waits while PostgreSQL
 * writes for all of them, then PostgreSQL for Node (ADR 30).
 */
const batchMax = 64;

export function createJournal(pool: pg.Pool): Journal {
  // A zombie's number is taken, and its neighbours are committed without it.
  const append = gather(batchMax, async (records: readonly JournalRecord[]) => {
    await appendTogether(pool, records);
    return records.map(() => undefined);
  });
  const read = gather(batchMax, (wanted: readonly Wanted[]) => readTogether(pool, wanted));
  return {
    append,
    async read(key, afterSeq) {
      const rows = await read({ key, afterSeq });
      return rows.map((row) => ({ key, seq: Number(row.seq), events: decode(row.data) as readonly unknown[] }));
    },
  };
}

interface Wanted {
  readonly key: string;
  readonly afterSeq: number;
}

interface Stored {
  /** Whose read it answers: 1, 2 … */
  readonly reader: string;
  readonly seq: string;
  readonly data: Buffer;
}

/** Lateral, so that however little the planner knows of the table, each reader costs one look into its index. */
const readSql = `
  select w.reader, e.seq, e.data
  from unnest($1::text[], $2::bigint[]) with ordinality as w(key, after_seq, reader),
       lateral (select seq, data from actor_events where key = w.key and seq > w.after_seq order by seq offset 0) e
  order by w.reader, e.seq`;

async function readTogether(pool: pg.Pool, wanted: readonly Wanted[]): Promise<readonly (readonly Stored[])[]> {
  const values = [texts(wanted.map(({ key }) => key)), bigints(wanted.map(({ afterSeq }) => afterSeq))];
  const { rows } = await pool.query<Stored>({ name: 'read_journal', text: readSql, values });
  const found: Stored[][] = wanted.map(() => []);
  for (const row of rows) found[Number(row.reader) - 1]?.push(row);
  return found;
}

const appendSql =
  'insert into actor_events (key, seq, data) select * from unnest($1::text[], $2::bigint[], $3::bytea[])';

/**
 * One transaction, whose statements are sent behind one another: PostgreSQL need not wait for us between two. One that
 * it refuses makes it refuse what follows, and of the commit a rollback. They look rows up by their keys (lane.ts says
 * why the planner must be told so).
 */
async function appendTogether(pool: pg.Pool, records: readonly JournalRecord[]): Promise<void> {
  const values = [
    texts(records.map((record) => record.key)),
    bigints(records.map((record) => record.seq)),
    packets(records.map((record) => encode(record.events))),
  ];
  const meant = projectSagas(records.flatMap((record) => record.events as readonly SagaEvent[]));
  const client = await pool.connect();
  const socket = socketOf(client);
  // Corked, all of it leaves by one system call: each of half a dozen would wake PostgreSQL.
  socket.cork();
  const sent = [
    client.query('begin; set local enable_seqscan = off'),
    client.query({ name: 'append_journal', text: appendSql, values }),
    ...meant.map((statement) => client.query(statement)),
    client.query('commit'),
  ];
  socket.uncork();
  const answers = await Promise.allSettled(sent);
  const errors = answers.filter((answer) => answer.status === 'rejected').map(({ reason }) => reason as unknown);
  const [first] = errors;
  // Whoever gave no answer, or not to all, is not asked again.
  client.release(errors.every(isAnswer) ? undefined : true);
  if (first !== undefined) throw first;
}

/** What a client writes to: pg has it, and its types do not say so. */
function socketOf(client: pg.PoolClient): Duplex {
  return (client as pg.PoolClient & { readonly connection: { readonly stream: Duplex } }).connection.stream;
}
