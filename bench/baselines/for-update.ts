/** Baseline: a transaction for each request, with the zone's row locked. What most people write first. */
import type pg from 'pg';
import { accept, type Outcome, reject } from '../../engine/outcome.ts';
import { realWorld } from '../../world.ts';
import {
  bookingColumns,
  bookingValues,
  brokenRule,
  type Desk,
  type Draft,
  draftOf,
  findEarlier,
  type Held,
  type Office,
} from './desk.ts';

export async function openForUpdateDesk(office: Office): Promise<Desk> {
  const { pool } = office;
  const { ids } = realWorld();
  return {
    async reserve(wanted) {
      const draft = draftOf(wanted, office, ids.next());
      if (!draft) return reject('NOT_FOUND');
      const client = await pool.connect();
      try {
        await client.query('begin');
        const outcome = await reserveLocked(client, draft);
        await client.query(outcome.ok && !outcome.value.replayed ? 'commit' : 'rollback');
        return outcome;
      } catch (error) {
        await client.query('rollback');
        const rule = brokenRule(error);
        if (rule === 'limit') return reject('MAX_PER_USER_EXCEEDED');
        const earlier = rule === 'once-per-key' ? await findEarlier(client, draft) : null;
        if (!earlier) throw error;
        return earlier;
      } finally {
        client.release();
      }
    },
    close: () => pool.end(),
  };
}

async function reserveLocked(client: pg.PoolClient, draft: Draft): Promise<Outcome<Held>> {
  const { eventId, zoneId, userId, quantity, maxPerUser } = draft;
  const { rows } = await client.query({ ...lockSql, values: [eventId, zoneId] });
  const earlier = await findEarlier(client, draft);
  if (earlier) return earlier;
  const available: number = rows[0]?.available ?? 0;
  if (available < quantity) return reject('INSUFFICIENT_STOCK', { requested: quantity, available });
  await client.query({ ...takeSql, values: [eventId, zoneId, quantity] });
  await client.query({ ...totalSql, values: [eventId, userId, quantity, maxPerUser] });
  await client.query({ ...insertSql, values: [...bookingValues(draft)] });
  return accept(draft);
}

const lockSql = { name: 'lock', text: 'select available from zones where event_id = $1 and id = $2 for update' };
const takeSql = {
  name: 'take',
  text: 'update zones set available = available - $3, held = held + $3 where event_id = $1 and id = $2',
};
const totalSql = {
  name: 'total',
  text: `insert into buyer_totals as t (event_id, user_id, seats, seats_max) values ($1, $2, $3, $4)
         on conflict (event_id, user_id) do update set seats = t.seats + excluded.seats`,
};
const insertSql = {
  name: 'insert',
  text: `insert into bookings (${bookingColumns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'reserved')`,
};
