/** Bookings as rows: the one list of columns, how a row is read, and what their owner may ask of them. */
import type pg from 'pg';
import type { Booking, BookingStatus } from '../../engine/booking.ts';

/** Of a table aliased `b`. Times as epoch milliseconds, so that nothing depends on a client's time zone. */
export const bookingColumns = `
  b.id, b.event_id, b.zone_id, b.user_id, b.quantity, b.amount_minor, b.currency, b.status,
  (extract(epoch from b.created_at) * 1000)::bigint as created_at_ms,
  (extract(epoch from b.expires_at) * 1000)::bigint as expires_at_ms,
  (extract(epoch from coalesce(b.extended_from, b.expires_at)) * 1000)::bigint as first_expires_at_ms,
  (extract(epoch from b.changed_at) * 1000)::bigint as changed_at_ms`;

const namedSql = `
  select ${bookingColumns}
  from unnest($1::uuid[], $2::uuid[]) as named(event_id, id)
  join bookings b on b.event_id = named.event_id and b.id = named.id`;

/** Those of them that there are, whoever owns them. */
export async function findBookings(
  pool: pg.Pool,
  named: readonly Pick<Booking, 'eventId' | 'bookingId'>[],
): Promise<readonly Booking[]> {
  const values = [named.map(({ eventId }) => eventId), named.map(({ bookingId }) => bookingId)];
  const { rows } = await pool.query<BookingRow>({ name: 'bookings_named', text: namedSql, values });
  return rows.map(readBooking);
}

/** PostgreSQL's int8 arrives as a string. */
export interface BookingRow extends pg.QueryResultRow {
  readonly id: string;
  readonly event_id: string;
  readonly zone_id: string;
  readonly user_id: string;
  readonly quantity: number;
  readonly amount_minor: string;
  readonly currency: string;
  readonly status: BookingStatus;
  readonly created_at_ms: string;
  readonly expires_at_ms: string;
  readonly first_expires_at_ms: string;
  readonly changed_at_ms: string | null;
}

export function readBooking(row: BookingRow): Booking {
  return {
    bookingId: row.id,
    eventId: row.event_id,
    zoneId: row.zone_id,
    userId: row.user_id,
    quantity: row.quantity,
    amountMinor: Number(row.amount_minor),
    currency: row.currency,
    status: row.status,
    createdAtMs: Number(row.created_at_ms),
    expiresAtMs: Number(row.expires_at_ms),
    firstExpiresAtMs: Number(row.first_expires_at_ms),
    changedAtMs: row.changed_at_ms === null ? null : Number(row.changed_at_ms),
  };
}
