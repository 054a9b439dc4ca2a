/**
 * The life cycle of a booking (reserved → confirmed | cancelled | expired → refunded) as one pure transition table.
 * What a move does to the seats of the zone stands beside it, so that counters and statuses cannot disagree.
 */

export type BookingStatus = 'reserved' | 'confirmed' | 'cancelled' | 'expired' | 'refunded';

/**
 * The ways in which an existing booking may change. `reacquire` takes free seats again for a paid booking whose hold ran
 * out; `refund` gives sold seats back; `write-off` closes a booking without seats whose money went back.
 */
export type BookingMove = 'extend' | 'confirm' | 'cancel' | 'expire' | 'reacquire' | 'refund' | 'write-off';

/** Seats of the zone that a move shifts, per seat of the booking. */
export interface SeatShift {
  readonly available: -1 | 0 | 1;
  readonly held: -1 | 0 | 1;
  readonly sold: -1 | 0 | 1;
}

interface Transition {
  readonly from: readonly BookingStatus[];
  readonly to: BookingStatus;
  readonly shift: SeatShift;
}

export const transitions: Readonly<Record<BookingMove, Transition>> = {
  extend: { from: ['reserved'], to: 'reserved', shift: { available: 0, held: 0, sold: 0 } },
  confirm: { from: ['reserved'], to: 'confirmed', shift: { available: 0, held: -1, sold: 1 } },
  cancel: { from: ['reserved'], to: 'cancelled', shift: { available: 1, held: -1, sold: 0 } },
  expire: { from: ['reserved'], to: 'expired', shift: { available: 1, held: -1, sold: 0 } },
  reacquire: { from: ['expired'], to: 'confirmed', shift: { available: -1, held: 0, sold: 1 } },
  refund: { from: ['confirmed'], to: 'refunded', shift: { available: 1, held: 0, sold: -1 } },
  'write-off': { from: ['expired', 'cancelled'], to: 'refunded', shift: { available: 0, held: 0, sold: 0 } },
};

/** The status after a move, or null when the move is not allowed from `status`. */
export function statusAfter(status: BookingStatus, move: BookingMove): BookingStatus | null {
  const transition = transitions[move];
  return transition.from.includes(status) ? transition.to : null;
}

/** A booking as the truth holds it. Times are epoch milliseconds. */
export interface Booking {
  readonly bookingId: string;
  readonly eventId: string;
  readonly zoneId: string;
  readonly userId: string;
  readonly quantity: number;
  readonly amountMinor: number;
  readonly currency: string;
  readonly status: BookingStatus;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** When the hold would have ended before its one extension; equals `expiresAtMs` without one. */
  readonly firstExpiresAtMs: number;
  /** When the status last changed; null while it is as it was made. */
  readonly changedAtMs: number | null;
}
