/**
 * The supervision tree as one literal list: every kind of actor, how many there are, and how it starts. What happens
 * when one crashes stands beside its `start…` (restart policy) and in kit.ts (fresh state, growing delay, no resume).
 */
import type { EventConsumer, EventLog, Outbox, RelayLock } from '../engine/event-log.ts';
import { type BookingDeps, type LocalBooking, startBooking } from './booking.ts';
import { type BookingNewsDeps, bookingNews } from './booking-news.ts';
import { type BookingAddress, type BookingRequest, bookingWire } from './booking-requests.ts';
import { type Cluster, type ClusterDeps, type NodeReport, startCluster } from './cluster/cluster.ts';
import { createRoomDoors } from './cluster/room-door.ts';
import type { Shards } from './cluster/shards.ts';
import { type EventBusWatch, startEventBus } from './event-bus.ts';
import { startInventoryNews } from './inventory-news.ts';
import type { Actors } from './kit.ts';
import type { Relay } from './outbox.ts';
import { type ReconcilerDeps, startReconciler, sweepNow } from './reconciler.ts';
import { type LocalRoom, startWaitingRoom } from './waiting-room.ts';
import { type RoomAddress, type RoomEntity, type RoomRequest, roomWire } from './waiting-room-requests.ts';
import type { RoomDeps } from './waiting-room-state.ts';
import { type LocalZone, startZone } from './zone.ts';
import { type ZoneAddress, type ZoneRequest, zoneWire } from './zone-requests.ts';
import type { ZoneDeps } from './zone-state.ts';

export interface TreeDeps {
  readonly actors: Actors;
  readonly cluster: Omit<ClusterDeps, 'actors' | 'describe'>;
  readonly zone: Omit<ZoneDeps, 'actors' | 'lease'>;
  readonly booking: Omit<BookingDeps, 'actors' | 'zoneOf'>;
  readonly room: Omit<RoomDeps, 'actors' | 'gone' | 'handOn' | 'lease'>;
  readonly events: {
    readonly outbox: Outbox;
    readonly lock: RelayLock;
    /** Null: events stay in the process. */
    readonly log: EventLog | null;
    readonly consumers: (entities: Entities) => readonly EventConsumer[];
    readonly watch: EventBusWatch;
    readonly findBookings: BookingNewsDeps['findBookings'];
    /** Writes to the outbox what has changed in the zones since it was last told. */
    readonly tellInventory: () => Promise<void>;
  };
  readonly neglected: Omit<ReconcilerDeps, 'actors' | 'zones' | 'rooms' | 'bookings' | 'failed'>;
  readonly sweepFailed: (error: unknown) => void;
}

export interface Tree {
  readonly cluster: Cluster;
  readonly zones: Shards<ZoneAddress, LocalZone>;
  readonly rooms: Shards<RoomEntity, LocalRoom>;
  /** The room of an event, as those see it who stay with it when it moves. */
  readonly roomOf: (eventId: string) => RoomAddress;
  readonly bookings: Shards<BookingAddress, LocalBooking>;
  readonly bookingDeps: BookingDeps;
  readonly relay: Relay;
  readonly consumers: readonly EventConsumer[];
}

/**
 *   membership   one             beats, and sees who else does
 *   zones        one a zone      started when first asked for, or because it has holds         \\
 *   rooms        one an event    started when first asked for, or because it is on; gone when   > on the node that owns it
 *                                there is no such event                                        |
 *   bookings     one a booking   event-sourced; started when money moves, gone when it waits   /
 *                                for nothing
 *   outbox-relay one             hands events on, when no other node does
 *   inventory    one             tells once a second how many seats are left
 *   reconciler   one             starts what should be moving, of what this node owns
 */
export function startTree(deps: TreeDeps): Tree {
  const { actors } = deps;
  const describe = (): NodeReport => ({
    zones: [...entities.zones.started].map(([id, { epoch }]) => ({ id, epoch })),
    rooms: [...entities.rooms.started.keys()],
    sagas: entities.bookings.started.size,
  });
  const cluster = startCluster({ ...deps.cluster, actors, describe });
  const entities = settleEntities(deps, cluster);
  const { consumers: consumersOf, findBookings, tellInventory, ...events } = deps.events;
  const hasOthers = () => cluster.view.members.length > 1;
  const consumers = [...consumersOf(entities), ...bookingNews({ rooms: entities.rooms, hasOthers, findBookings })];
  const relay = startEventBus({ actors, ...events, consumers });
  startInventoryNews({ actors, tell: tellInventory, failed: events.watch.failed });
  const { zones, rooms, bookings } = entities;
  const reconciler = startReconciler({ actors, ...deps.neglected, zones, rooms, bookings, failed: deps.sweepFailed });
  cluster.onChange(() => sweepNow(actors, reconciler));
  return { ...entities, cluster, relay, consumers };
}

type Entities = Pick<Tree, 'zones' | 'rooms' | 'roomOf' | 'bookings' | 'bookingDeps'>;

function settleEntities({ actors, ...deps }: TreeDeps, cluster: Cluster): Entities {
  const { clock, timers } = actors.world;
  const zones = cluster.settle<ZoneRequest, LocalZone>('zone', {
    wire: zoneWire,
    start: (zoneId) => startZone(zoneId, { ...deps.zone, actors, lease: (id) => cluster.lease({ kind: 'zone', id }) }),
    end: (zone, graceMs) => zone.close(graceMs),
    leased: true,
  });
  const gone = (eventId: string) =>
    rooms.retire((room) => {
      if (room.eventId !== eventId) return false;
      actors.stop(room.ref);
      return true;
    });
  const handOn: RoomDeps['handOn'] = (eventId, request) => rooms.find(eventId).send(request);
  const rooms = cluster.settle<RoomRequest, LocalRoom>('room', {
    wire: roomWire(clock),
    start: (eventId) =>
      startWaitingRoom(eventId, {
        ...deps.room,
        actors,
        gone,
        handOn,
        lease: (id) => cluster.lease({ kind: 'room', id }),
      }),
    end: (room, graceMs) => room.close(graceMs),
    leased: true,
  });
  const roomOf = createRoomDoors({ nodeId: cluster.nodeId, timers, roomOf: rooms.find });
  const bookingDeps: BookingDeps = { ...deps.booking, actors, zoneOf: zones.find };
  const bookings = cluster.settle<BookingRequest, LocalBooking>('booking', {
    wire: bookingWire(bookingDeps),
    start: (bookingId) => startBooking(bookingId, bookingDeps),
    end: async (booking) => booking.close(),
    leased: false,
  });
  return { zones, rooms, roomOf, bookings, bookingDeps };
}
