/** What the pages ask of the shop, by its own names. */
import { accessToken } from '../session/session.ts';
import { ask, askOpenly } from './ask.ts';
import type { Answer } from './refusal.ts';
import type { BegunPayment, Booking, EventShape, Reservation, Show, Ticket, Zone } from './shapes.ts';

export const listEvents = (signal?: AbortSignal) => askOpenly<EventShape[]>('/events?limit=50', signal);

/** By its slug or its id. */
export const findEvent = (slug: string, signal?: AbortSignal) =>
  askOpenly<EventShape>(`/events/${encodeURIComponent(slug)}`, signal);

export const listShows = (slug: string, signal?: AbortSignal) =>
  askOpenly<Show[]>(`/events/${encodeURIComponent(slug)}/shows`, signal);

export const listZones = (showId: string, signal?: AbortSignal) => askOpenly<Zone[]>(`/shows/${showId}/zones`, signal);

export interface Wanted {
  readonly eventId: string;
  readonly zoneId: string;
  readonly quantity: number;
}

/** Holds seats. One `key` is one purchase, however often it is sent. `pass`: from the waiting room, where there is one. */
export function reserve(wanted: Wanted, key: string, pass: string | null): Promise<Answer<Reservation>> {
  return ask<Reservation>({
    method: 'POST',
    path: '/bookings/reserve',
    body: { event_id: wanted.eventId, zone_id: wanted.zoneId, quantity: wanted.quantity },
    headers: { 'Idempotency-Key': key, ...(pass === null ? {} : { 'X-Queue-Pass': pass }) },
  });
}

/** The newest first; `cursor` is the `next_cursor` of the page before. */
export const listBookings = (cursor: string | null, signal?: AbortSignal) =>
  ask<Booking[]>({ method: 'GET', path: `/bookings?limit=20${cursor === null ? '' : `&cursor=${cursor}`}` }, signal);

/** `meta.server_time`: when it was so. */
export const readBooking = (id: string, signal?: AbortSignal) =>
  ask<Booking>({ method: 'GET', path: `/bookings/${encodeURIComponent(id)}` }, signal);

export const beginPayment = (bookingId: string) =>
  ask<BegunPayment>({ method: 'POST', path: '/payments', body: { booking_id: bookingId } });

/** Looks at the provider whether the booking is paid, now. */
export const settleBooking = (bookingId: string) =>
  ask<Booking>({ method: 'POST', path: `/bookings/${bookingId}/confirm`, body: {} });

export const giveBack = (bookingId: string) =>
  ask<Booking>({ method: 'POST', path: `/bookings/${bookingId}/cancel`, body: {} });

export const listTickets = (bookingId: string, signal?: AbortSignal) =>
  ask<Ticket[]>({ method: 'GET', path: `/bookings/${bookingId}/tickets` }, signal);

/** The QR code as SVG; null when it could not be had. */
export async function readQrCode(ticket: Ticket, signal: AbortSignal): Promise<string | null> {
  const token = await accessToken();
  if (token === null) return null;
  const response = await fetch(ticket.qr_svg, { headers: { Authorization: `Bearer ${token}` }, signal });
  return response.ok ? response.text() : null;
}
