/** Baseline: one statement for each request, which takes the seats only if they are there. The best of plain SQL. */
import { accept, reject } from '../../engine/outcome.ts';
import { realWorld } from '../../world.ts';
import { bookingColumns, bookingValues, brokenRule, type Desk, draftOf, findEarlier, type Office } from './desk.ts';

export async function openAtomicUpdateDesk(office: Office): Promise<Desk> {
  const { pool } = office;
  const { ids } = realWorld();
  return {
    async reserve(wanted) {
      const draft = draftOf(wanted, office, ids.next());
      if (!draft) return reject('NOT_FOUND');
      // A new key is the rule: it is looked up only when the statement could not write.
      try {
        const { rowCount } = await pool.query({ ...reserveSql, values: [...bookingValues(draft), draft.maxPerUser] });
        if (rowCount === 1) return accept(draft);
        return (await findEarlier(pool, draft)) ?? reject('INSUFFICIENT_STOCK', { requested: draft.quantity });
      } catch (error) {
        if (brokenRule(error) === null) throw error;
        return (await findEarlier(pool, draft)) ?? reject('MAX_PER_USER_EXCEEDED');
      }
    },
    close: () => pool.end(),
  };
}

const reserveSql = {
  name: 'reserve',
  text: `
    with zone as (
      update zones set available = available - $7, held = held + $7
      where event_id = $1 and id = $3 and available >= $7 returning 1
    ), total as (
      insert into buyer_totals as t (event_id, user_id, seats, seats_max) select $1, $4, $7, $12 from zone
      on conflict (event_id, user_id) do update set seats = t.seats + excluded.seats
    )
    insert into bookings (${bookingColumns})
    select $1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::bytea, $6::bytea, $7::int, $8::bigint, $9, $10::timestamptz,
           $11::timestamptz, 'reserved' from zone`,
};
