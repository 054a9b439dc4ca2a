/**
 * The journal of event-sourced actors. Appends that arrive together are committed together, and what the events mean
 * for payments, tickets and the outbox is written in the same transaction (projection.ts).
 */
import type pg from 'pg';
import type { Journal, JournalRecord } from '../../engine/ports.ts';
import type { SagaEvent } from '../../engine/saga-events.ts';
import { decode, encode } from '../codec.ts';
import { projectSagas } from './projection.ts';

/** Records of one transaction. */
const batchMax = 256;

interface Waiting {
  readonly record: JournalRecord;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function createJournal(pool: pg.Pool): Journal {
  const waiting: Waiting[] = [];
  let writing = false;

  const write = async () => {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, batchMax);
      await writeTogether(pool, batch);
    }
    writing = false;
  };

  return {
    async read(key, afterSeq) {
      const text = 'select seq, data from actor_events where key = $1 and seq > $2 order by seq';
      const { rows } = await pool.query({ name: 'read_journal', text, values: [key, afterSeq] });
      return rows.map((row) => ({ key, seq: Number(row.seq), events: decode(row.data) as readonly unknown[] }));
    },
    append: (record) =>
      new Promise((resolve, reject) => {
        waiting.push({ record, resolve, reject });
        // The rest of this turn's appends join the same transaction.
        if (!writing) setImmediate(() => (writing ? undefined : write()));
      }),
  };
}

/** When a batch fails, each record is tried alone, so that one zombie does not fail its neighbours. */
async function writeTogether(pool: pg.Pool, batch: readonly Waiting[]): Promise<void> {
  try {
    await append(
      pool,
      batch.map((entry) => entry.record),
    );
    for (const entry of batch) entry.resolve();
  } catch (error) {
    if (batch.length === 1) batch[0]?.reject(error);
    else for (const entry of batch) await writeTogether(pool, [entry]);
  }
}

async function append(pool: pg.Pool, records: readonly JournalRecord[]): Promise<void> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    await client.query({
      name: 'append_journal',
      text: 'insert into actor_events (key, seq, data) select * from unnest($1::text[], $2::bigint[], $3::bytea[])',
      values: [records.map((r) => r.key), records.map((r) => r.seq), records.map((r) => encode(r.events))],
    });
    await projectSagas(
      client,
      records.flatMap((record) => record.events as readonly SagaEvent[]),
    );
    await client.query('commit');
  } catch (error) {
    // A connection whose rollback fails too is not given back to the pool.
    await client.query('rollback').catch((rollback: Error) => {
      broken = rollback;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
