/** What a buyer may ask of the truth: read models over bookings, payments and tickets. Times are epoch milliseconds. */
import type { Booking } from './booking.ts';
import type { ProviderName } from './payment.ts';
import type { RefundTerms } from './refund.ts';

export interface Page<T> {
  readonly items: readonly T[];
  /** Opaque; null at the end. */
  readonly nextCursor: string | null;
}

export interface BookingPayment {
  readonly paymentId: string;
  readonly bookingId: string;
  readonly provider: ProviderName;
  readonly amountMinor: number;
  readonly currency: string;
  readonly status: 'pending' | 'succeeded' | 'cancelled' | 'refunding' | 'refunded';
  readonly createdAtMs: number;
}

export interface Ticket {
  readonly code: string;
  readonly bookingId: string;
  readonly eventId: string;
  readonly zoneId: string;
  /** 1 … quantity of the booking. */
  readonly number: number;
  readonly issuedAtMs: number;
}

/** One entry of a booking's history, for its owner and for support. */
export interface TimelineEntry {
  readonly atMs: number;
  readonly what: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface SeatsOfUser {
  /** Seats held and owned of the event. */
  readonly bookedCount: number;
  readonly maxAllowed: number;
}

/** Everything is filtered by its owner in the query itself: another user's thing is not found. */
export interface BookingReads {
  findOwned(userId: string, bookingId: string): Promise<Booking | null>;
  list(userId: string, page: { readonly limit: number; readonly cursor: string | null }): Promise<Page<Booking>>;
  /** Bookings that are held and can still be paid. */
  pending(userId: string, nowMs: number): Promise<readonly Booking[]>;
  /** Null when there is no such event. */
  seatsOfUser(userId: string, eventId: string): Promise<SeatsOfUser | null>;
  timeline(booking: Booking): Promise<readonly TimelineEntry[]>;
}

/** A payment as its provider knows it, and where its buyer is to go after the provider's page. */
export interface ProviderOrder {
  readonly paymentId: string;
  readonly bookingId: string;
  readonly eventId: string;
  readonly amountMinor: number;
  readonly currency: string;
  readonly returnUrl: string | null;
}

export interface PaymentReads {
  findOwned(userId: string, paymentId: string): Promise<BookingPayment | null>;
  /** For callers that a provider's signature speaks for, not a user's token. */
  findOrder(provider: ProviderName, intentId: string): Promise<ProviderOrder | null>;
}

/** What a refund needs to know beside the saga. */
export interface RefundReads {
  /** When the booking's show begins, and whether its event was called off. */
  termsOf(booking: Pick<Booking, 'eventId' | 'zoneId'>): Promise<RefundTerms>;
  /** The booking that was paid so, if the user may refund it: the organizer of its event, or an admin. */
  findManaged(userId: string, paymentId: string): Promise<Booking | null>;
}

export interface TicketReads {
  ofBooking(userId: string, booking: Pick<Booking, 'eventId' | 'bookingId'>): Promise<readonly Ticket[]>;
  findOwned(userId: string, code: string): Promise<Ticket | null>;
}
