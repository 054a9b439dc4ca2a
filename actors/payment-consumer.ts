/** Brings the providers' notices from the event log to the saga of their booking. */
import type { DomainEvent } from '../engine/events.ts';
import { accept } from '../engine/outcome.ts';
import { type BookingActor, type BookingDeps, tell } from './booking.ts';
import type { Shards } from './cluster/shards.ts';
import type { Consumer } from './outbox.ts';

const kindOfType: Readonly<Record<string, 'succeeded' | 'failed'>> = {
  'payment.success': 'succeeded',
  'payment.failed': 'failed',
};

export function paymentConsumer(bookings: Shards<BookingActor>, deps: BookingDeps): Consumer {
  return {
    name: 'booking-saga',
    topic: 'payment-events',
    async handle(event) {
      const kind = kindOfType[event.type];
      if (!kind) return accept(null);
      return tell(deps, bookings.find(event.subject), { kind, ...noticeOf(event) });
    },
  };
}

/** The data that persistence/postgres/webhook-inbox.ts wrote. */
function noticeOf({ subject, data }: DomainEvent) {
  return {
    providerEventId: String(data.provider_event_id),
    intentId: String(data.intent_id),
    bookingId: subject,
    amountMinor: Number(data.amount),
    currency: String(data.currency),
    declineCode: data.decline_code === null ? null : String(data.decline_code),
  };
}
