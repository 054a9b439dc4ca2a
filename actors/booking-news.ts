/**
 * Brings what becomes of bookings from the event log to their owners' live connections, by way of the room of their event,
 * which all nodes with connections follow. Told to whoever is there: everything can be asked for as well, so what goes
 * astray is not tried again.
 */
import type { Booking } from '../engine/booking.ts';
import type { EventConsumer } from '../engine/event-log.ts';
import type { DomainEvent } from '../engine/events.ts';
import { notificationOf } from '../engine/notifications.ts';
import { accept } from '../engine/outcome.ts';
import type { Topic } from '../engine/topics.ts';
import type { Shards } from './cluster/shards.ts';
import { type Addressed, type RoomEntity, tellPersonally } from './waiting-room-requests.ts';

export interface BookingNewsDeps {
  readonly rooms: Pick<Shards<RoomEntity>, 'started' | 'isHere' | 'find'>;
  /** Whether rooms may run on other nodes. */
  readonly hasOthers: () => boolean;
  readonly findBookings: (named: readonly Pick<Booking, 'eventId' | 'bookingId'>[]) => Promise<readonly Booking[]>;
}

/** Not `booking.created`: whoever made it has its answer, and their other connections hear of the pass that was used. */
export function bookingNews(deps: BookingNewsDeps): readonly EventConsumer[] {
  return [
    consumer(deps, 'booking-events', ['booking.confirmed', 'booking.cancelled', 'booking.expired', 'booking.refunded']),
    consumer(deps, 'saga-commands', ['saga.notification.send']),
  ];
}

const none = new Set<string>();

function consumer(deps: BookingNewsDeps, topic: Topic, types: readonly string[]): EventConsumer {
  const all = new Set(types);
  return {
    name: 'live',
    topic,
    /** Where nobody can be connected, the events of a large sale need not be read. */
    get types() {
      return deps.rooms.started.size > 0 || deps.hasOthers() ? all : none;
    },
    eventsMax: 500,
    async handle(events) {
      const concern = events.filter(({ data }) => mayListen(deps, String(data.event_id)));
      if (concern.length === 0) return accept(null);
      const bookings = await deps.findBookings(concern.map(keyOf));
      for (const [eventId, news] of byRoom(concern, bookings)) tellPersonally(deps.rooms.find(eventId), news, ignore);
      return accept(null);
    },
  };
}

function byRoom(
  events: readonly DomainEvent[],
  bookings: readonly Booking[],
): ReadonlyMap<string, readonly Addressed[]> {
  const byId = new Map(bookings.map((booking) => [booking.bookingId, booking]));
  const rooms = new Map<string, Addressed[]>();
  for (const event of events) {
    const booking = byId.get(event.subject);
    if (!booking) continue;
    const news = rooms.get(booking.eventId) ?? [];
    rooms.set(booking.eventId, news);
    news.push(...newsOf(event, booking));
  }
  return rooms;
}

/** A room of this node that nobody asked for has no listeners. */
function mayListen({ rooms }: BookingNewsDeps, eventId: string): boolean {
  return rooms.started.has(eventId) || !rooms.isHere(eventId);
}

function keyOf({ data, subject }: DomainEvent) {
  return { eventId: String(data.event_id), bookingId: subject };
}

function newsOf({ type, time }: DomainEvent, booking: Booking): readonly Addressed[] {
  const { userId, bookingId } = booking;
  const kind = notificationOf[type];
  const notification = kind && ({ what: 'notification', kind, bookingId, atMs: Date.parse(time) } as const);
  return [
    ...(type.startsWith('booking.') ? [[userId, { what: 'booking', booking }] as const] : []),
    ...(notification ? [[userId, notification] as const] : []),
  ];
}

const ignore = () => {};
