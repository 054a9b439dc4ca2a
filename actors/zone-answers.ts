/** What the answers of gate and truth mean for the requests of a flight, and for what the zone remembers. */
import type { Booking } from '../engine/booking.ts';
import { accept, type Outcome, reject, unavailable } from '../engine/outcome.ts';
import type { KeyedBooking } from '../engine/ports.ts';
import { givesBack, type ReserveCommand, type ZoneAnswer } from '../engine/zone.ts';
import { type Cleared, type Entry, type Flight, overLimit, tooFew } from './zone-flight.ts';
import { mismatch, type Reservation, type ReserveRequest, type ZoneRequest } from './zone-requests.ts';
import type { State } from './zone-state.ts';

/** Answers what the gate refused, and says what it let through; with `ack: 'gate'` it answers that, too. */
export function answerGated(state: State, flight: Flight, answers: readonly ZoneAnswer[]): Cleared {
  const won: Entry[] = [];
  const isHasty = state.deps.limits.ack === 'gate';
  for (let i = 0; i < flight.entries.length; i++) {
    const entry = flight.entries[i] as Entry;
    const answer = answers[i] as ZoneAnswer;
    if (answer.result === 'applied') won.push(isHasty ? answeredAtGate(state, flight, entry) : entry);
    else if (entry.request.kind === 'reserve') answerRefusedReserve(state, entry.request, answer);
    else
      entry.request.reply(
        accept(answer.result === 'too-few' || answer.result === 'over-limit' ? answer.result : 'absent'),
      );
  }
  return { flight, won };
}

/** Says yes before the truth was asked. Whatever becomes of the booking then, nobody is told any more. */
function answeredAtGate(state: State, flight: Flight, entry: Entry): Entry {
  const { request, command } = entry;
  if (request.kind !== 'reserve' || command.kind !== 'reserve') return entry;
  state.keys.settle(request, accept(newReservation(flight, command)));
  return { command, request: { ...request, reply: nobodyWaits } };
}

const nobodyWaits = () => {};

function answerRefusedReserve(state: State, request: ReserveRequest, answer: ZoneAnswer): void {
  switch (answer.result) {
    case 'replay':
      if (answer.fingerprint !== request.fingerprint) state.keys.settle(request, mismatch);
      else recall(state, request, null);
      break;
    case 'over-limit': {
      const max = state.ownership?.terms.maxPerUser ?? 0;
      recallOr(state, request, overLimit(request.quantity, answer.current, max));
      break;
    }
    default:
      recallOr(state, request, tooFew(request.quantity, state));
  }
}

/** A key that the gate has forgotten (48 h) may still have made a booking: the filter says whether to look. */
function recallOr(state: State, request: ReserveRequest, refusal: Outcome<Reservation>): void {
  if (state.usedKeys.mayHave(request.key)) recall(state, request, refusal);
  else state.keys.settle(request, refusal);
}

/** Asks the truth which booking the key made; `otherwise` is the answer when there is none. */
function recall(state: State, request: ReserveRequest, otherwise: Outcome<Reservation> | null): void {
  const eventId = state.ownership?.lease.eventId ?? '';
  state.self.pipe(
    state.deps.ledger.findByKeys(eventId, [request]),
    ([booking]) => ({
      type: 'recalled',
      request,
      outcome: booking ? replay(request, booking) : (otherwise ?? notKnownYet),
    }),
    () => ({ type: 'recalled', request, outcome: notKnownYet }),
  );
}

const notKnownYet = unavailable('whether this key was used is not known at this moment');

/** The answer that the first request with this key got. */
export function replay(request: ReserveRequest, booking: KeyedBooking): Outcome<Reservation> {
  if (booking.fingerprint !== request.fingerprint) return mismatch;
  return accept({ ...reservationOf(booking), replayed: true });
}

function reservationOf(booking: Booking): Omit<Reservation, 'replayed'> {
  const { bookingId, eventId, zoneId, quantity, amountMinor, currency, createdAtMs, firstExpiresAtMs } = booking;
  return { bookingId, eventId, zoneId, quantity, amountMinor, currency, createdAtMs, expiresAtMs: firstExpiresAtMs };
}

/** Answers a batch that is durable. */
export function answerDurable(state: State, { flight, won }: Cleared): void {
  state.settled.push(flight.batchId);
  for (const { request, command } of won) {
    if (givesBack(command.kind)) state.owesRelease = true;
    if (command.kind === 'extend') state.deadlines.add(command.bookingId, command.expiresAtMs);
    if (command.kind !== 'reserve') {
      if (request.kind !== 'reserve') request.reply(accept('applied'));
      continue;
    }
    state.deadlines.add(command.bookingId, command.expiresAtMs);
    state.usedKeys.add(command.key);
    state.keys.settle(request as ReserveRequest, accept(newReservation(flight, command)));
  }
}

function newReservation({ lease, terms, nowMs }: Flight, command: ReserveCommand): Reservation {
  return {
    bookingId: command.bookingId,
    eventId: lease.eventId,
    zoneId: lease.zoneId,
    quantity: command.quantity,
    amountMinor: command.quantity * terms.priceMinor,
    currency: terms.currency,
    createdAtMs: nowMs,
    expiresAtMs: command.expiresAtMs,
    replayed: false,
  };
}

/** Answers any request with the same refusal. */
export function refuse(state: State, request: ZoneRequest, refusal: Outcome<never>): void {
  if (request.kind === 'reserve') state.keys.settle(request, refusal);
  else request.reply(refusal);
}

/** Answers all that wait with the same refusal. */
export function refuseAll(state: State, refusal: Outcome<never>): void {
  for (const request of [...state.again, ...state.inbox.take(Number.POSITIVE_INFINITY)])
    refuse(state, request, refusal);
  state.again = [];
}

export const noSuchZone = reject('NOT_FOUND');
