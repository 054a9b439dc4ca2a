/**
 * Domain events as they leave the house: one CloudEvents-like envelope per change of a booking or a payment, written
 * to the outbox in the transaction of the state it tells of.
 *
 * An event's id follows from what happened, not from when it was written: a state that is reached once has one event
 * id, so that consumers can tell a repetition from a new event.
 */
import type { BookingMove } from './booking.ts';
import { ofTrace } from './trace-context.ts';
import type { ZoneCounters } from './zone.ts';

export interface DomainEvent {
  readonly id: string;
  readonly type: string;
  readonly source: 'onsale';
  /** The key of its order: what it is about, a booking or a zone. */
  readonly subject: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** W3C Trace Context of the request that began it, where it is known. */
  readonly traceparent?: string;
}

const typeOfMove: Readonly<Record<BookingMove, string | null>> = {
  extend: null,
  confirm: 'booking.confirmed',
  reacquire: 'booking.confirmed',
  cancel: 'booking.cancelled',
  expire: 'booking.expired',
  refund: 'booking.refunded',
  'write-off': 'booking.refunded',
};

export interface Created {
  readonly bookingId: string;
  readonly eventId: string;
  readonly zoneId: string;
  readonly userId: string;
  readonly quantity: number;
  readonly amountMinor: number;
  readonly currency: string;
  readonly expiresAt: string;
  readonly traceparent?: string | undefined;
}

export function bookingCreated(booking: Created, time: string): DomainEvent {
  return {
    id: `booking.created:${booking.bookingId}`,
    type: 'booking.created',
    source: 'onsale',
    subject: booking.bookingId,
    time,
    data: {
      event_id: booking.eventId,
      zone_id: booking.zoneId,
      user_id: booking.userId,
      quantity: booking.quantity,
      amount: booking.amountMinor,
      currency: booking.currency,
      expires_at: booking.expiresAt,
    },
    ...ofTrace(booking.traceparent),
  };
}

/** Null when nobody outside needs to hear of the move. */
export function bookingMoved(
  booking: { bookingId: string; eventId: string; zoneId: string; traceparent?: string | undefined },
  move: BookingMove,
  time: string,
): DomainEvent | null {
  const type = typeOfMove[move];
  if (!type) return null;
  return {
    id: `${type}:${booking.bookingId}`,
    type,
    source: 'onsale',
    subject: booking.bookingId,
    time,
    data: { event_id: booking.eventId, zone_id: booking.zoneId },
    ...ofTrace(booking.traceparent),
  };
}

export interface ZoneStock extends ZoneCounters {
  readonly eventId: string;
  readonly zoneId: string;
  /** Of the zone's row: raised by each change, so that a state is told under one id. */
  readonly version: number;
}

/** `before`: the free seats as they were last told of; null when they never were. */
export function zoneNews(zone: ZoneStock, before: number | null, time: string): DomainEvent {
  const { eventId, zoneId, version, ...counters } = zone;
  const type = newsType(before, zone.available);
  return {
    id: `${type}:${zoneId}:${version}`,
    type,
    source: 'onsale',
    subject: zoneId,
    time,
    data: { event_id: eventId, zone_id: zoneId, ...counters },
  };
}

function newsType(before: number | null, available: number): string {
  if (available === 0) return 'zone.sold_out';
  return before === 0 ? 'zone.reopened' : 'zone.availability_changed';
}
