/** Sagas and dead letters as an operator sees them (engine/operator.ts). Cursors are the id of the last row shown. */
import type pg from 'pg';
import type { DeadLetter, OperatorReads, SagaShown } from '../../engine/operator.ts';

const sagasSql = `
  select booking_id, event_id, status, step, attempts, error, (extract(epoch from updated_at) * 1000)::bigint as updated_at_ms
  from saga_instances
  where ($1::text is null or status = $1)
    and ($2::uuid is null or (updated_at, booking_id) >
         (select updated_at, booking_id from saga_instances where booking_id = $2 limit 1))
  order by updated_at, booking_id limit $3`;

const letterColumns = `id, topic, key, consumer, event, error, attempts, (extract(epoch from created_at) * 1000)::bigint as created_at_ms`;

const lettersSql = `
  select ${letterColumns} from dead_letters
  where resolved_at is null
    and ($1::uuid is null or (created_at, id) > (select created_at, id from dead_letters where id = $1))
  order by created_at, id limit $2`;

export function createOperatorReads(pool: pg.Pool): OperatorReads {
  return {
    async sagas({ status, limit, cursor }) {
      const { rows } = await pool.query({ name: 'sagas_page', text: sagasSql, values: [status, cursor, limit + 1] });
      const items = rows.slice(0, limit).map(readSaga);
      return { items, nextCursor: rows.length > limit ? (items.at(-1)?.bookingId ?? null) : null };
    },
    async hasSaga(bookingId) {
      const text = 'select 1 from saga_instances where booking_id = $1';
      return (await pool.query({ name: 'saga_exists', text, values: [bookingId] })).rows.length > 0;
    },
    async deadLetters({ limit, cursor }) {
      const { rows } = await pool.query({ name: 'dead_letters_page', text: lettersSql, values: [cursor, limit + 1] });
      const items = rows.slice(0, limit).map(readLetter);
      return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
    },
    async findDeadLetter(id) {
      const text = `select ${letterColumns} from dead_letters where id = $1 and resolved_at is null`;
      const { rows } = await pool.query({ name: 'dead_letter_by_id', text, values: [id] });
      return rows[0] ? readLetter(rows[0]) : null;
    },
    async resolveDeadLetter(id) {
      const text = 'update dead_letters set resolved_at = now() where id = $1 and resolved_at is null';
      await pool.query({ name: 'resolve_dead_letter', text, values: [id] });
    },
  };
}

function readSaga(row: pg.QueryResultRow): SagaShown {
  return {
    bookingId: row.booking_id,
    eventId: row.event_id,
    status: row.status,
    step: row.step,
    attempts: row.attempts,
    error: row.error,
    updatedAtMs: Number(row.updated_at_ms),
  };
}

function readLetter(row: pg.QueryResultRow): DeadLetter {
  const { id, topic, key, consumer, event, error, attempts } = row;
  return { id, topic, key, consumer, event, error, attempts, createdAtMs: Number(row.created_at_ms) };
}

/**
 * Sagas that hold somebody's money and do not get on: their step has failed too often, or nothing was heard of them for a
 * minute. For the gauge that operators are woken by.
 */
export async function stuckSagas(pool: pg.Pool): Promise<number> {
  const text = `
    select count(*)::int as stuck from saga_instances
    where status in ('running', 'compensating') and (attempts >= 4 or updated_at < now() - interval '60 seconds')`;
  return (await pool.query({ name: 'stuck_sagas', text })).rows[0].stuck;
}

/** Seats that are held and not yet paid for, of all zones. */
export async function heldSeats(pool: pg.Pool): Promise<number> {
  const text = 'select coalesce(sum(held), 0)::int as held from zones';
  return (await pool.query({ name: 'held_seats', text })).rows[0].held;
}
