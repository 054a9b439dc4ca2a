/**
 * Domain events as they leave the house: one CloudEvents-like envelope per change of a booking or a payment, written
 * to the outbox in the transaction of the state it tells of.
 *
 * An event's id follows from what happened, not from when it was written: a state that is reached once has one event
 * id, so that consumers can tell a repetition from a new event.
 */
import type { BookingMove } from './booking.ts';

export interface DomainEvent {
  readonly id: string;
  readonly type: string;
  readonly source: 'onsale';
  /** The key of its order: the booking id. */
  readonly subject: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
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
  };
}

/** Null when nobody outside needs to hear of the move. */
export function bookingMoved(
  booking: { bookingId: string; eventId: string; zoneId: string },
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
  };
}
