/** The read models of engine/reads.ts over PostgreSQL. */
import type pg from 'pg';
import type { Booking } from '../../engine/booking.ts';
import type { BookingReads, TimelineEntry } from '../../engine/reads.ts';
import type { SagaEvent } from '../../engine/saga-events.ts';
import { decode } from '../codec.ts';
import { type BookingRow, bookingColumns, readBooking } from './bookings.ts';

const listSql = `
  select ${bookingColumns} from bookings b
  where b.user_id = $1 and ($2::uuid is null or b.id < $2) order by b.id desc limit $3`;

const pendingSql = `
  select ${bookingColumns} from bookings b
  where b.user_id = $1 and b.status = 'reserved' and b.expires_at > $2 order by b.expires_at`;

const seatsSql = `
  select c.max_per_user,
         (select coalesce(sum(quantity), 0)::int from bookings
          where user_id = $1 and event_id = $2 and status in ('reserved', 'confirmed')) as booked
  from event_configs c where c.event_id = $2`;

export function createBookingReads(pool: pg.Pool): BookingReads {
  return {
    async findOwned(userId, bookingId) {
      const text = `select ${bookingColumns} from bookings b where b.user_id = $1 and b.id = $2`;
      const { rows } = await pool.query<BookingRow>({ name: 'booking_owned', text, values: [userId, bookingId] });
      return rows[0] ? readBooking(rows[0]) : null;
    },
    async list(userId, { limit, cursor }) {
      const { rows } = await pool.query<BookingRow>({
        name: 'bookings_list',
        text: listSql,
        values: [userId, cursor, limit + 1],
      });
      const items = rows.slice(0, limit).map(readBooking);
      return { items, nextCursor: rows.length > limit ? (items.at(-1)?.bookingId ?? null) : null };
    },
    async pending(userId, nowMs) {
      const values = [userId, new Date(nowMs).toISOString()];
      const { rows } = await pool.query<BookingRow>({ name: 'bookings_pending', text: pendingSql, values });
      return rows.map(readBooking);
    },
    async seatsOfUser(userId, eventId) {
      const { rows } = await pool.query({ name: 'seats_of_user', text: seatsSql, values: [userId, eventId] });
      return rows[0] ? { bookedCount: rows[0].booked, maxAllowed: rows[0].max_per_user } : null;
    },
    timeline: (booking) => readTimeline(pool, booking),
  };
}

async function readTimeline(pool: pg.Pool, booking: Booking): Promise<readonly TimelineEntry[]> {
  const text = 'select data from actor_events where key = $1 order by seq';
  const { rows } = await pool.query({ name: 'timeline', text, values: [`booking:${booking.bookingId}`] });
  const steps = rows.flatMap((row) => decode(row.data) as readonly SagaEvent[]).map(sagaEntry);
  const entries = [
    {
      atMs: booking.createdAtMs,
      what: 'reserved',
      details: { quantity: booking.quantity, hold_until_ms: booking.firstExpiresAtMs },
    },
    ...steps,
  ];
  const settled = booking.changedAtMs !== null && booking.status !== 'reserved';
  if (settled) entries.push({ atMs: booking.changedAtMs, what: booking.status, details: {} });
  return entries.sort((a, b) => a.atMs - b.atMs);
}

/** What happened, without the keys that would let somebody pay or enter. */
function sagaEntry(event: SagaEvent): TimelineEntry {
  const { atMs, type: what } = event;
  switch (event.type) {
    case 'payment-requested':
      return {
        atMs,
        what,
        details: { payment_id: event.paymentId, attempt: event.attempt, hold_extended_to_ms: event.extendToMs },
      };
    case 'intent-opened':
      return {
        atMs,
        what,
        details: { payment_id: event.paymentId, provider: event.provider, provider_id: event.intentId },
      };
    case 'payment-failed':
      return { atMs, what, details: { provider_id: event.intentId, decline_code: event.declineCode } };
    case 'payment-succeeded':
      return { atMs, what, details: { provider_id: event.intentId, amount: event.amountMinor } };
    case 'refund-settled':
      return { atMs, what, details: { provider_id: event.refundId, amount: event.amountMinor, reason: event.reason } };
    case 'hold-ended':
      return { atMs, what, details: { reason: event.reason } };
    case 'refund-requested':
      return {
        atMs,
        what,
        details: { amount: event.amountMinor, withheld: event.withheldMinor, reason: event.reason, ends: event.ends },
      };
    case 'money-returned':
      return { atMs, what, details: { provider_id: event.refundId, amount: event.amountMinor } };
    case 'step-failed':
      return { atMs, what, details: { step: event.step, attempt: event.attempt, retry_at_ms: event.retryAtMs } };
    case 'tickets-issued':
      return { atMs, what, details: { tickets: event.codes.length } };
    default:
      return { atMs, what, details: {} };
  }
}
