/** Bookings and payments as the API shows them. */
import { z } from 'zod';
import type { Booking } from '../engine/booking.ts';

export const bookingView = z.object({
  booking_id: z.uuid(),
  event_id: z.uuid(),
  zone_id: z.uuid(),
  status: z.enum(['reserved', 'confirmed', 'cancelled', 'expired', 'refunded']),
  quantity: z.int(),
  seats: z.array(z.string()).nullable(),
  total_amount: z.int().describe('in the minor unit of the currency'),
  currency: z.string().length(3),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime(),
  changed_at: z.iso.datetime().nullable(),
});

/** What a reservation is answered with. */
export const reservationView = z.object({
  booking_id: z.uuid(),
  status: z.literal('reserved'),
  event_id: z.uuid(),
  zone_id: z.uuid(),
  quantity: z.int(),
  seats: z.array(z.string()).nullable(),
  total_amount: z.int().describe('in the minor unit of the currency'),
  currency: z.string().length(3),
  expires_at: z.iso.datetime(),
  expires_in_ms: z.int(),
  server_time: z.iso.datetime(),
});

export function viewBooking(booking: Booking): z.input<typeof bookingView> {
  return {
    booking_id: booking.bookingId,
    event_id: booking.eventId,
    zone_id: booking.zoneId,
    status: booking.status,
    quantity: booking.quantity,
    seats: null,
    total_amount: booking.amountMinor,
    currency: booking.currency,
    created_at: timeText(booking.createdAtMs),
    expires_at: timeText(booking.expiresAtMs),
    changed_at: booking.changedAtMs === null ? null : timeText(booking.changedAtMs),
  };
}

let lastTimes: readonly { readonly atMs: number; readonly text: string }[] = [];

/** RFC 3339, UTC, milliseconds. The bookings of one batch share their two times, so the last two are at hand. */
export function timeText(atMs: number): string {
  for (const { atMs: known, text } of lastTimes) if (known === atMs) return text;
  const text = new Date(atMs).toISOString();
  lastTimes = [{ atMs, text }, ...lastTimes.slice(0, 1)];
  return text;
}
