/** Tickets and payments as their owner may read them (engine/reads.ts). */
import type pg from 'pg';
import type { PaymentReads, Ticket, TicketReads } from '../../engine/reads.ts';

const ticketColumns = `code, booking_id, event_id, zone_id, number, (extract(epoch from issued_at) * 1000)::bigint as issued_at_ms`;

function readTicket(row: pg.QueryResultRow): Ticket {
  return {
    code: row.code,
    bookingId: row.booking_id,
    eventId: row.event_id,
    zoneId: row.zone_id,
    number: row.number,
    issuedAtMs: Number(row.issued_at_ms),
  };
}

export function createTicketReads(pool: pg.Pool): TicketReads {
  return {
    async ofBooking(userId, booking) {
      const text = `select ${ticketColumns} from tickets where event_id = $1 and booking_id = $2 and user_id = $3 and voided_at is null order by number`;
      const values = [booking.eventId, booking.bookingId, userId];
      const { rows } = await pool.query({ name: 'tickets_of_booking', text, values });
      return rows.map(readTicket);
    },
    async findOwned(userId, code) {
      const text = `select ${ticketColumns} from tickets where code = $1 and user_id = $2 and voided_at is null`;
      const { rows } = await pool.query({ name: 'ticket_owned', text, values: [code, userId] });
      return rows[0] ? readTicket(rows[0]) : null;
    },
  };
}

export function createPaymentReads(pool: pg.Pool): PaymentReads {
  return {
    async findOwned(userId, paymentId) {
      const text = `
        select id, booking_id, provider, amount_minor, currency, status, (extract(epoch from created_at) * 1000)::bigint as created_at_ms
        from payments where id = $1 and user_id = $2`;
      const { rows } = await pool.query({ name: 'payment_owned', text, values: [paymentId, userId] });
      const row = rows[0];
      if (!row) return null;
      return {
        paymentId: row.id,
        bookingId: row.booking_id,
        provider: row.provider,
        amountMinor: Number(row.amount_minor),
        currency: row.currency,
        status: row.status,
        createdAtMs: Number(row.created_at_ms),
      };
    },
    async findOrder(provider, intentId) {
      const text = `
        select id, booking_id, event_id, amount_minor, currency, return_url from payments where provider = $1 and intent_id = $2`;
      const { rows } = await pool.query({ name: 'payment_of_order', text, values: [provider, intentId] });
      const row = rows[0];
      if (!row) return null;
      const { id: paymentId, booking_id: bookingId, event_id: eventId, currency, return_url: returnUrl } = row;
      return { paymentId, bookingId, eventId, amountMinor: Number(row.amount_minor), currency, returnUrl };
    },
  };
}
