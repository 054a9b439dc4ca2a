/** Brings the providers' notices from the event log to the saga of their booking. */
import type { EventConsumer } from '../engine/event-log.ts';
import type { DomainEvent } from '../engine/events.ts';
import { accept } from '../engine/outcome.ts';
import type { IntentNews } from '../engine/saga-decisions.ts';
import { type BookingAddress, type BookingAsk, tell } from './booking-requests.ts';
import type { Shards } from './cluster/shards.ts';

export function paymentConsumer(bookings: Pick<Shards<BookingAddress>, 'find'>, deps: BookingAsk): EventConsumer {
  return {
    name: 'booking-saga',
    topic: 'payment-events',
    types: new Set(['payment.success', 'payment.failed', 'payment.cancelled']),
    // A saga may take its time, and the others need not wait for it.
    eventsMax: 1,
    async handle([event]) {
      const news = event && newsOf(event);
      return news ? tell(deps, bookings.find(event.subject), news) : accept(null);
    },
  };
}

/** From the data that persistence/postgres/webhook-inbox.ts wrote. Null for events that move no saga. */
function newsOf({ type, data }: DomainEvent): IntentNews | null {
  const money = {
    intentId: String(data.intent_id),
    amountMinor: Number(data.amount),
    currency: String(data.currency),
  };
  const declineCode = data.decline_code === null ? null : String(data.decline_code);
  switch (type) {
    case 'payment.success':
      return { ...money, kind: 'succeeded' };
    case 'payment.cancelled':
      return { ...money, kind: 'cancelled', declineCode };
    case 'payment.failed':
      return { ...money, kind: 'failed', declineCode, providerEventId: String(data.provider_event_id) };
    default:
      return null;
  }
}
