/** What our books say of money, booking by booking, for engine/audit-money.ts to judge. */
import type pg from 'pg';
import type { BookedMoney } from '../../engine/audit-money.ts';
import { chunks } from './cursor.ts';

const columns = `
  select b.id, b.event_id, b.status, b.amount_minor, b.currency,
         coalesce(p.paid, 0) as paid, coalesce(p.kept, 0) as kept, coalesce(r.refunded, 0) as refunded,
         coalesce(r.withheld, 0) as withheld,
         (extract(epoch from greatest(b.created_at, b.changed_at, p.changed_at, r.settled_at)) * 1000)::bigint as moved_at_ms`;

const joins = `
  left join (
    select booking_id, max(changed_at) as changed_at,
           sum(amount_minor) filter (where status in ('succeeded', 'refunding', 'refunded')) as paid,
           count(*) filter (where status in ('succeeded', 'refunding')) as kept
    from payments where $1::uuid is null or event_id = $1 group by booking_id
  ) p on p.booking_id = b.id
  left join (
    select booking_id, max(settled_at) as settled_at, sum(amount_minor) filter (where settled_at is not null) as refunded,
           sum(withheld_minor) as withheld
    from refunds where $1::uuid is null or event_id = $1 group by booking_id
  ) r on r.booking_id = b.id`;

/** Every booking that is confirmed, or for which money came or went, in chunks. */
export function readMoney(client: pg.ClientBase, eventId: string | null): AsyncIterable<readonly BookedMoney[]> {
  const sql = `${columns} from bookings b ${joins}
    where (b.status = 'confirmed' or p.paid > 0 or r.refunded > 0) and ($1::uuid is null or b.event_id = $1)`;
  return chunks(client, sql, [eventId], readRow);
}

/** The same of the bookings named, whatever their state. */
export async function findMoney(
  client: pg.ClientBase,
  eventId: string | null,
  bookingIds: readonly string[],
): Promise<readonly BookedMoney[]> {
  const sql = `${columns} from bookings b ${joins}
    where b.id = any ($2::uuid[]) and ($1::uuid is null or b.event_id = $1)`;
  return (await client.query(sql, [eventId, bookingIds])).rows.map(readRow);
}

/** Sagas that hold somebody's money and are neither done nor refunded. */
export async function readUnfinishedSagas(
  client: pg.ClientBase,
  eventId: string | null,
): Promise<readonly { readonly bookingId: string; readonly step: string; readonly error: string | null }[]> {
  const text = `
    select booking_id, step, error from saga_instances
    where status in ('running', 'compensating') and ($1::uuid is null or event_id = $1) order by updated_at limit 1000`;
  const { rows } = await client.query(text, [eventId]);
  return rows.map((row) => ({ bookingId: row.booking_id, step: row.step, error: row.error }));
}

function readRow(row: pg.QueryResultRow): BookedMoney {
  return {
    bookingId: row.id,
    eventId: row.event_id,
    status: row.status,
    amountMinor: Number(row.amount_minor),
    currency: row.currency,
    paidMinor: Number(row.paid),
    keptPayments: Number(row.kept),
    refundedMinor: Number(row.refunded),
    withheldMinor: Number(row.withheld),
    movedAtMs: Number(row.moved_at_ms),
  };
}
