/** Everything the routes need of the rest of the system, filled by the composition root. */
import type { Logger } from 'pino';
import type { LivePayment } from '../actors/booking-waiters.ts';
import type { ClusterReport } from '../actors/cluster/cluster.ts';
import type { RoomAddress } from '../actors/waiting-room-requests.ts';
import type { ZoneAddress } from '../actors/zone-requests.ts';
import type { Accounts } from '../engine/accounts.ts';
import type { AuditReport } from '../engine/audit.ts';
import type { Booking } from '../engine/booking.ts';
import type { Catalogue } from '../engine/catalogue.ts';
import type { AuditLog, DeadLetter, Inventory, OperatorReads } from '../engine/operator.ts';
import type { Outcome } from '../engine/outcome.ts';
import type { PaymentNotice, ProviderName, Providers } from '../engine/payment.ts';
import type { Clock, Ids } from '../engine/ports.ts';
import type { LoggedEntry } from '../engine/queue-log.ts';
import type { RateLimits } from '../engine/rate-limit.ts';
import type { BookingReads, PaymentReads, RefundReads, TicketReads } from '../engine/reads.ts';
import type { RefundOrder } from '../engine/refund-decisions.ts';
import type { Refund } from '../engine/saga-events.ts';
import type { AccessTokens } from './auth.ts';
import type { LiveRooms } from './live/live-rooms.ts';
import type { PassDesk } from './pass-desk.ts';
import type { PassSeal } from './pass-seal.ts';
import type { Passwords } from './passwords.ts';
import type { ReadCache } from './read-cache.ts';
import type { SaleDesk } from './sale-desk.ts';
import type { Sessions } from './sessions.ts';
import type { TicketSeal } from './ticket-seal.ts';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** Why not, in words for an operator; never a secret. */
  readonly problem?: string;
}

export interface Answered {
  /** The path as the table has it, so that metrics get one series a route. */
  readonly path: string;
  readonly method: string;
  /** 499: the client went away before the answer. */
  readonly status: number;
  readonly seconds: number;
}

export interface Deps {
  readonly accounts: Accounts;
  readonly passwords: Passwords;
  readonly sessions: Sessions;
  readonly tokens: AccessTokens;
  readonly catalogue: Catalogue;
  readonly reads: ReadCache;
  readonly saleDesk: SaleDesk;
  /** Null: no rate limits. */
  readonly limits: RateLimits | null;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly readiness: () => Promise<readonly Check[]>;
  /** The metrics in Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  /** Public keys that others check our tickets and passes with. */
  readonly jwks: () => { readonly keys: readonly object[] };
  readonly observe: (answered: Answered) => void;

  // The waiting room.
  readonly roomOf: (eventId: string) => RoomAddress;
  readonly passSeal: PassSeal;
  readonly passDesk: PassDesk;
  readonly live: LiveRooms;
  /** At most `max` entries of the event's queue log after `afterSeq`. */
  readonly queueLog: (eventId: string, afterSeq: number, max: number) => Promise<readonly LoggedEntry[]>;

  // The sale itself.
  readonly zoneOf: (zoneId: string) => ZoneAddress;
  readonly bookings: BookingReads;
  readonly payments: PaymentReads;
  readonly refunds: RefundReads;
  readonly tickets: TicketReads;
  readonly ticketSeal: TicketSeal;
  readonly providers: Providers;
  /** Where a page confirms a test card; null when payments go to Stripe itself, which takes cards only in its own form. */
  readonly cardBase: string | null;
  readonly beginPayment: (booking: Booking, asked: PaymentWish) => Promise<Outcome<LivePayment>>;
  /** Has the booking's saga ask the provider. */
  readonly lookAtPayment: (bookingId: string) => void;
  /** Origins that a provider's page may send a buyer on to. */
  readonly returnOrigins: () => ReadonlySet<string>;
  readonly settleBooking: (booking: Booking, traceparent: string | undefined) => Promise<Outcome<null>>;
  /** Gives a confirmed booking back, or a part of its money. */
  readonly refundBooking: (
    booking: Booking,
    order: RefundOrder,
    traceparent: string | undefined,
  ) => Promise<Outcome<Refund>>;
  /** Tells the saga that a person sent the money back. */
  readonly declareRefund: (bookingId: string, reference: string) => Promise<Outcome<null>>;
  /** Tells the saga that its hold is gone, so that nobody can pay for it any more. */
  readonly endHold: (booking: Booking, reason: 'expired' | 'cancelled') => void;
  // What operators may do.
  readonly operator: OperatorReads;
  readonly auditLog: AuditLog;
  readonly inventory: Inventory;
  /** Has the saga of a booking try its step now. */
  readonly resumeSaga: (bookingId: string) => void;
  /** Processes a dead letter again, by the consumer that could not. */
  readonly replayDeadLetter: (letter: DeadLetter) => Promise<Outcome<null>>;
  readonly cluster: () => Promise<ClusterReport>;
  /** Has a node hand over what runs on it. Refused: NOT_FOUND, SERVICE_UNAVAILABLE. */
  readonly drainNode: (nodeId: string) => Promise<Outcome<null>>;
  /** Of one event, or of all. One at a time: who asks while one runs is answered with it. */
  readonly audit: (eventId: string | null) => Promise<AuditReport>;

  /** Durable when it resolves. False when it was stored before. */
  readonly storeNotice: (stored: Notice) => Promise<boolean>;
  /** Counts an answer to reserve, by its code. */
  readonly reservationAnswered: (result: string) => void;
}

export interface PaymentWish {
  readonly provider: ProviderName;
  /** Where the buyer goes after the provider's own page. */
  readonly returnUrl: string | undefined;
  readonly traceparent: string | undefined;
}

/** A provider's notice whose signature was right. */
export interface Notice {
  readonly provider: ProviderName;
  readonly notice: PaymentNotice;
  readonly rawBody: Uint8Array;
  readonly receivedAtMs: number;
}
