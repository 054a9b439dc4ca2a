/**
 * The reconciler looks for what should have moved and has not: zones with holds and waiting rooms that nobody runs, sagas
 * whose process died are started again, and holds
 * that are about to end unpaid are looked up at the provider, because webhooks get lost. Where a hold has ended unpaid, its
 * saga is told, and nobody can pay for it any more. It also lets sagas
 * that wait for nothing go from memory; they come back from their events.
 */
import type { Cancel, SagaView } from '../engine/ports.ts';
import type { LocalBooking } from './booking.ts';
import { type BookingAddress, endHold, look } from './booking-requests.ts';
import type { Shards } from './cluster/shards.ts';
import type { ActorRef, Actors, Behaviour, Self } from './kit.ts';
import type { RoomEntity } from './waiting-room-requests.ts';
import type { ZoneAddress } from './zone-requests.ts';

// ---- Protocol

type Message =
  | { readonly type: 'sweep' }
  | { readonly type: 'sweep-all' }
  | { readonly type: 'retire' }
  | ({ readonly type: 'found' } & Found)
  | { readonly type: 'failed'; readonly error: unknown };

interface Found {
  readonly zones: readonly string[];
  readonly rooms: readonly string[];
  readonly unfinished: readonly string[];
  readonly unpaid: readonly string[];
  readonly inVain: Awaited<ReturnType<SagaView['waitingInVain']>>;
}

export type ReconcilerRef = ActorRef<Message>;

// ---- Client

/** Something may have become this node's: look now, and at everything. */
export function sweepNow(actors: Actors, reconciler: ReconcilerRef): void {
  actors.tell(reconciler, { type: 'sweep-all' });
}

// ---- Behaviour

export interface ReconcilerDeps {
  readonly actors: Actors;
  readonly sagas: SagaView;
  /** Zones whose holds will run out: somebody must own them. */
  readonly zonesWithHolds: () => Promise<readonly string[]>;
  /** Events whose waiting room is on: passes run out and slots are freed also while nobody asks. */
  readonly roomsOn: () => Promise<readonly string[]>;
  readonly zones: Pick<Shards<ZoneAddress>, 'find' | 'isHere'>;
  readonly rooms: Pick<Shards<RoomEntity>, 'find' | 'isHere'>;
  readonly bookings: Shards<BookingAddress, LocalBooking>;
  readonly failed: (error: unknown) => void;
}

interface State {
  /** The next sweep takes every unfinished saga: nobody else may be moving them. */
  all: boolean;
  sweeping: boolean;
  /** Asked for while one was under way. */
  again: boolean;
  cancelSweep: Cancel;
}

const sweepMs = 10_000;
/**
 * How long sagas that wait for nothing stay in memory: it is full of them in a rush, and reading one again is cheap. Those
 * that go soon die young, which is what a collector of garbage is good at.
 */
const retireMs = 100;
/** A saga that was written to within this time is taken to be moving by itself. */
const quietMs = 5_000;
/** How long before the end of a hold the provider is asked. */
const lookAheadMs = 30_000;
/** A card that is being charged when the hold ends may still get the seats again; later nobody can pay. */
const voidAfterMs = 30_000;
const sagasMax = 1_000;

function receive(deps: ReconcilerDeps, state: State, message: Message, self: Self<Message>): State {
  switch (message.type) {
    case 'sweep':
      sweep(deps, state, self);
      break;
    case 'sweep-all':
      state.all = true;
      sweep(deps, state, self);
      break;
    case 'retire':
      deps.bookings.retire((booking) => booking.isAtRest() && deps.actors.stopIfIdle(booking.ref));
      self.after(retireMs, { type: 'retire' });
      break;
    case 'found':
      take(deps, message);
      swept(state, self);
      break;
    case 'failed':
      deps.failed(message.error);
      swept(state, self);
      break;
  }
  return state;
}

function sweep(deps: ReconcilerDeps, state: State, self: Self<Message>): void {
  state.again = state.sweeping;
  if (state.sweeping) return;
  state.sweeping = true;
  state.cancelSweep();
  const { all } = state;
  state.all = false;
  self.pipe(
    find(deps, self.now(), all),
    (found) => ({ type: 'found', ...found }),
    (error) => ({ type: 'failed', error }),
  );
}

function swept(state: State, self: Self<Message>): void {
  state.sweeping = false;
  state.cancelSweep = self.after(state.again ? 0 : sweepMs, { type: 'sweep' });
}

async function find(deps: ReconcilerDeps, nowMs: number, all: boolean): Promise<Found> {
  const { sagas, zonesWithHolds, roomsOn } = deps;
  const [zones, rooms, unfinished, unpaid, inVain] = await Promise.all([
    zonesWithHolds(),
    roomsOn(),
    sagas.unfinished(all ? nowMs + sweepMs : nowMs - quietMs, sagasMax),
    sagas.expiringUnpaid(nowMs + lookAheadMs, sagasMax),
    sagas.waitingInVain(nowMs - voidAfterMs, sagasMax),
  ]);
  return { zones, rooms, unfinished, unpaid, inVain };
}

/** Of what this node owns; the others look after theirs. */
function take({ zones, rooms, bookings }: ReconcilerDeps, found: Found): void {
  // Finding an address starts the actor, and an actor that starts goes on where it was.
  for (const zoneId of found.zones) if (zones.isHere(zoneId)) zones.find(zoneId);
  for (const eventId of found.rooms) if (rooms.isHere(eventId)) rooms.find(eventId);
  for (const bookingId of found.unfinished) if (bookings.isHere(bookingId)) bookings.find(bookingId);
  for (const { bookingId, status } of found.inVain)
    if (bookings.isHere(bookingId)) endHold(bookings.find(bookingId), status);
  for (const bookingId of found.unpaid) if (bookings.isHere(bookingId)) look(bookings.find(bookingId));
}

// ---- Lifecycle

export function startReconciler(deps: ReconcilerDeps): ReconcilerRef {
  const behaviour: Behaviour<State, Message> = {
    begin(self) {
      self.tell({ type: 'sweep' });
      self.after(retireMs, { type: 'retire' });
      return { all: true, sweeping: false, again: false, cancelSweep: () => {} };
    },
    receive: (state, message, self) => receive(deps, state, message, self),
    abandon: () => {},
  };
  return deps.actors.spawn('reconciler', behaviour, { mailboxMax: 100, restart: { minMs: 1_000, maxMs: 10_000 } });
}
