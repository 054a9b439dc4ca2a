/**
 * The supervision tree as one literal list: every kind of actor, how many there are, and how it starts. What happens
 * when one crashes stands beside its `start…` (restart policy) and in kit.ts (fresh state, growing delay, no resume).
 */
import type { EventConsumer, EventLog, Outbox, RelayLock } from '../engine/event-log.ts';
import type { SagaView } from '../engine/ports.ts';
import { type BookingDeps, startBooking } from './booking.ts';
import type { BookingActor } from './booking-requests.ts';
import { createShards, type Shards } from './cluster/shards.ts';
import { type EventBusWatch, startEventBus } from './event-bus.ts';
import { startInventoryNews } from './inventory-news.ts';
import type { Actors } from './kit.ts';
import type { RelayRef } from './outbox.ts';
import { startReconciler } from './reconciler.ts';
import { type LocalRoom, startWaitingRoom } from './waiting-room.ts';
import type { RoomDeps } from './waiting-room-state.ts';
import { startZone } from './zone.ts';
import type { ZoneAddress } from './zone-requests.ts';
import type { ZoneDeps } from './zone-state.ts';

export interface TreeDeps {
  readonly actors: Actors;
  readonly zone: Omit<ZoneDeps, 'actors'>;
  readonly booking: Omit<BookingDeps, 'actors' | 'zoneOf'>;
  readonly room: Omit<RoomDeps, 'actors' | 'gone'>;
  readonly events: {
    readonly outbox: Outbox;
    readonly lock: RelayLock;
    /** Null: events stay in the process. */
    readonly log: EventLog | null;
    readonly consumers: (entities: Omit<Tree, 'relay' | 'consumers'>) => readonly EventConsumer[];
    readonly watch: EventBusWatch;
    /** Writes to the outbox what has changed in the zones since it was last told. */
    readonly tellInventory: () => Promise<void>;
  };
  readonly sagas: SagaView;
  readonly sweepFailed: (error: unknown) => void;
}

export interface Tree {
  readonly zones: Shards<ZoneAddress>;
  readonly rooms: Shards<LocalRoom>;
  readonly bookings: Shards<BookingActor>;
  readonly bookingDeps: BookingDeps;
  readonly relay: RelayRef;
  readonly consumers: readonly EventConsumer[];
}

/**
 *   zones        one a zone      started when first asked for, or because it has holds
 *   rooms        one an event    started when first asked for, or because it is on; gone when there is no such event
 *   bookings     one a booking   event-sourced; started when money moves, gone when it waits for nothing
 *   outbox-relay one             hands events on, when no other node does
 *   inventory    one             tells once a second how many seats are left
 *   reconciler   one             starts what should be moving
 */
export function startTree(deps: TreeDeps): Tree {
  const { actors } = deps;
  const zones = createShards<ZoneAddress>((zoneId) => startZone(zoneId, { ...deps.zone, actors }));
  const gone = (eventId: string) =>
    rooms.retire((room) => {
      if (room.eventId !== eventId) return false;
      actors.stop(room.ref);
      return true;
    });
  const rooms = createShards((eventId) => startWaitingRoom(eventId, { ...deps.room, actors, gone }));
  const booking: BookingDeps = { ...deps.booking, actors, zoneOf: zones.find };
  const bookings = createShards((bookingId) => startBooking(bookingId, booking));
  const entities = { zones, rooms, bookings, bookingDeps: booking };
  const { consumers: consumersOf, tellInventory, ...events } = deps.events;
  const consumers = consumersOf(entities);
  const relay = startEventBus({ actors, ...events, consumers });
  startInventoryNews({ actors, tell: tellInventory, failed: events.watch.failed });
  startReconciler({ actors, sagas: deps.sagas, bookings, booking, failed: deps.sweepFailed });
  return { ...entities, relay, consumers };
}
