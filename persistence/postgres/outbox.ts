/** The outbox as rows: read by state, marked after delivery. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Outbox } from '../../engine/ports.ts';

export function createOutbox(pool: pg.Pool): Outbox {
  return {
    async unpublished(max, except) {
      const text = `
        select seq, topic, events from outbox
        where published_at is null and seq <> all ($2::bigint[]) order by seq limit $1`;
      const { rows } = await pool.query({ name: 'outbox_unpublished', text, values: [max, except] });
      return rows;
    },
    async markPublished(seqs) {
      const text = 'update outbox set published_at = now() where seq = any ($1::bigint[])';
      await pool.query({ name: 'outbox_mark', text, values: [seqs] });
    },
    async deadLetter({ topic, consumer, event, error, attempts }) {
      const text = `
        insert into dead_letters (id, topic, key, consumer, event, error, attempts)
        values ($1, $2, $3, $4, $5, $6, $7)`;
      const values = [randomUUID(), topic, event.subject, consumer, JSON.stringify(event), error, attempts];
      await pool.query({ name: 'dead_letter', text, values });
    },
  };
}

/** Rows that wait, for the gauge that operators watch. */
export async function outboxBacklog(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query({
    name: 'outbox_backlog',
    text: 'select count(*)::int as waiting from outbox where published_at is null',
  });
  return rows[0].waiting;
}
