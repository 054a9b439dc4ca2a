/** Brings what becomes of bookings from the event log to the waiting room of their event, which frees slots by it. */
import type { EventConsumer } from '../engine/event-log.ts';
import type { DomainEvent } from '../engine/events.ts';
import { accept, type Outcome } from '../engine/outcome.ts';
import type { Shards } from './cluster/shards.ts';
import { type CheckoutNews, type RoomEntity, tellCheckout } from './waiting-room-requests.ts';

/** Not `booking.created`: who lets a pass through tells the room what came of it, before anybody else hears of it. */
const all = new Set(['booking.confirmed', 'booking.cancelled', 'booking.expired']);
const none = new Set<string>();

/** A room that is not running here hears of nothing: it reads the bookings when it is taken over, and with each tick. */
export function checkoutConsumer({ started }: Pick<Shards<RoomEntity>, 'started'>): EventConsumer {
  const tell = (event: DomainEvent) => {
    const room = started.get(String(event.data.event_id));
    const news = newsOf(event);
    if (!room || !news) return accept(null);
    return new Promise<Outcome<null>>((resolve) => tellCheckout(room, news, resolve));
  };
  return {
    name: 'waiting-room',
    topic: 'booking-events',
    /** Where no room runs, none of them is of use, and those of a sale without one are many. */
    get types() {
      return started.size === 0 ? none : all;
    },
    eventsMax: 500,
    async handle(events) {
      const outcomes = await Promise.all(events.map(tell));
      return outcomes.find((outcome) => !outcome.ok) ?? accept(null);
    },
  };
}

/** Null for what frees and takes no slot. */
function newsOf({ type, subject }: DomainEvent): CheckoutNews | null {
  const bookingId = subject;
  switch (type) {
    case 'booking.confirmed':
      return { kind: 'completed', bookingId };
    case 'booking.cancelled':
      return { kind: 'failed', bookingId };
    case 'booking.expired':
      return { kind: 'expired', bookingId };
    default:
      return null;
  }
}
