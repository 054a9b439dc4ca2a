/** What a refund needs to know beside the saga (engine/reads.ts). */
import type pg from 'pg';
import type { RefundReads } from '../../engine/reads.ts';
import { type BookingRow, bookingColumns, readBooking } from './bookings.ts';

const termsSql = `
  select (extract(epoch from s.starts_at) * 1000)::bigint as starts_at_ms, e.status = 'cancelled' as cancelled
  from zones z
  join shows s on s.event_id = z.event_id and s.id = z.show_id
  join events e on e.id = z.event_id
  where z.event_id = $1 and z.id = $2`;

const managedSql = `
  select ${bookingColumns}
  from payments p
  join bookings b on b.event_id = p.event_id and b.id = p.booking_id
  join events e on e.id = p.event_id
  join users u on u.id = $1 and (u.role = 'admin' or (u.role = 'organizer' and u.tenant_id = e.tenant_id))
  where p.id = $2`;

export function createRefundReads(pool: pg.Pool): RefundReads {
  return {
    async termsOf({ eventId, zoneId }) {
      const { rows } = await pool.query({ name: 'refund_terms', text: termsSql, values: [eventId, zoneId] });
      const row = rows[0];
      if (!row) throw new Error(`zone ${zoneId} has no show`);
      return { showStartsAtMs: Number(row.starts_at_ms), organizerCancelled: row.cancelled };
    },
    async findManaged(userId, paymentId) {
      const values = [userId, paymentId];
      const { rows } = await pool.query<BookingRow>({ name: 'payment_managed', text: managedSql, values });
      return rows[0] ? readBooking(rows[0]) : null;
    },
  };
}
