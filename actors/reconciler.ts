/**
 * The reconciler looks for what should have moved and has not: sagas whose process died are started again, and holds
 * that are about to end unpaid are looked up at the provider, because webhooks get lost. Where a hold has ended unpaid, its
 * saga is told, and nobody can pay for it any more. It also lets sagas
 * that wait for nothing go from memory; they come back from their events.
 */
import type { SagaView } from '../engine/ports.ts';
import type { BookingDeps } from './booking.ts';
import { type BookingActor, endHold, look } from './booking-requests.ts';
import type { Shards } from './cluster/shards.ts';
import type { ActorRef, Actors, Behaviour, Self } from './kit.ts';

// ---- Protocol

type Message =
  | { readonly type: 'sweep' }
  | ({ readonly type: 'found' } & Found)
  | { readonly type: 'failed'; readonly error: unknown };

interface Found {
  readonly unfinished: readonly string[];
  readonly unpaid: readonly string[];
  readonly inVain: Awaited<ReturnType<SagaView['waitingInVain']>>;
}

// ---- Behaviour

export interface ReconcilerDeps {
  readonly actors: Actors;
  readonly sagas: SagaView;
  readonly bookings: Shards<BookingActor>;
  readonly booking: BookingDeps;
  readonly failed: (error: unknown) => void;
}

const sweepMs = 10_000;
/** A saga that was written to within this time is taken to be moving by itself. */
const quietMs = 5_000;
/** How long before the end of a hold the provider is asked. */
const lookAheadMs = 30_000;
/** A card that is being charged when the hold ends may still get the seats again; later nobody can pay. */
const voidAfterMs = 30_000;
const sagasMax = 1_000;

function receive(deps: ReconcilerDeps, first: boolean, message: Message, self: Self<Message>): boolean {
  switch (message.type) {
    case 'sweep':
      self.pipe(
        sweep(deps, self.now(), first),
        (found) => ({ type: 'found', ...found }),
        (error) => ({ type: 'failed', error }),
      );
      return false;
    case 'found':
      deps.bookings.retire((booking) => booking.isAtRest() && deps.actors.stopIfIdle(booking.ref));
      // Finding an address starts the actor, and an actor that starts goes on where it was.
      for (const bookingId of message.unfinished) deps.bookings.find(bookingId);
      for (const { bookingId, status } of message.inVain) endHold(deps.booking, deps.bookings.find(bookingId), status);
      for (const bookingId of message.unpaid) look(deps.booking, deps.bookings.find(bookingId));
      self.after(sweepMs, { type: 'sweep' });
      return false;
    case 'failed':
      deps.failed(message.error);
      self.after(sweepMs, { type: 'sweep' });
      return false;
  }
}

/** The first sweep after a start takes every unfinished saga: nobody else is moving them. */
async function sweep({ sagas }: ReconcilerDeps, nowMs: number, first: boolean): Promise<Found> {
  const [unfinished, unpaid, inVain] = await Promise.all([
    sagas.unfinished(first ? nowMs + sweepMs : nowMs - quietMs, sagasMax),
    sagas.expiringUnpaid(nowMs + lookAheadMs, sagasMax),
    sagas.waitingInVain(nowMs - voidAfterMs, sagasMax),
  ]);
  return { unfinished, unpaid, inVain };
}

// ---- Lifecycle

export function startReconciler(deps: ReconcilerDeps): ActorRef<Message> {
  const behaviour: Behaviour<boolean, Message> = {
    begin(self) {
      self.tell({ type: 'sweep' });
      return true;
    },
    receive: (first, message, self) => receive(deps, first, message, self),
    abandon: () => {},
  };
  return deps.actors.spawn('reconciler', behaviour, { mailboxMax: 100, restart: { minMs: 1_000, maxMs: 10_000 } });
}
