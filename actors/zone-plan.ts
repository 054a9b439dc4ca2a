/** Choosing the next batch: what is answered at once from memory, and what goes to the gate together. */
import { unavailable } from '../engine/outcome.ts';
import { givesBack, type ZoneCommand } from '../engine/zone.ts';
import { type Entry, type Flight, tooFew } from './zone-flight.ts';
import { mismatch, type ReserveRequest, type ZoneRequest } from './zone-requests.ts';
import type { State } from './zone-state.ts';

/** Requests looked at in one turn, in batches: enough to answer a storm from memory, few enough to let others run. */
const lookedAtMax = 4;

/**
 * A batch smaller than this part of the largest waits for the commits that are under way, and grows meanwhile (Nagle's
 * rule, RFC 896): a batch costs the stores as much as dozens of its rows, and many zones with few requests each would
 * pay for nothing else.
 */
const smallPart = 1 / 16;

/** How many more would have to wait for the next batch to wait for nothing. */
export function shortOfBatch({ deps, again, inbox }: State): number {
  return Math.ceil(smallPart * deps.limits.batchMax) - again.length - inbox.length;
}

/**
 * Takes waiting requests in order (due holds first, then what is judged again, then the inbox) and makes the next batch
 * of them. Null when everything taken was answered without the gate, and the gate need not hear of anything.
 */
export function planFlight(state: State): Flight | null {
  const { deps, ownership } = state;
  if (!ownership) return null;
  const nowMs = state.self.now();
  const { batchMax } = deps.limits;
  const waiting = [...dueHolds(state, nowMs), ...state.again];
  state.again = [];
  if (waiting.length < batchMax) waiting.push(...state.inbox.take(lookedAtMax * batchMax - waiting.length));

  const entries: Entry[] = [];
  const bookings = movesUnderWay(state);
  // Seats that this very batch may bring back: then only the gate knows what is left.
  let mayReturn = false;
  let at = 0;
  for (; at < waiting.length && entries.length < batchMax; at++) {
    const request = waiting[at] as ZoneRequest;
    // One command per booking at a time: the truth changes a row once in a statement, and what the gate says of a
    // booking that is being moved would be said before it is durable.
    if (request.kind !== 'reserve' && bookings.has(request.bookingId)) break;
    if (isAnsweredNow(state, request, nowMs, mayReturn)) continue;
    const command = commandOf(state, request, nowMs);
    if (command.kind !== 'reserve') bookings.add(command.bookingId);
    mayReturn ||= givesBack(command.kind);
    entries.push({ request, command });
  }
  state.again = waiting.slice(at);
  makeRoom(state, at, nowMs);
  // Without commands a batch still settles the ones before.
  if (entries.length === 0 && !state.owesRelease) return null;
  const { lease, terms } = ownership;
  return { batchId: deps.actors.world.ids.next(), lease, terms, version: state.version, nowMs, entries };
}

/** Whoever would wait for too long behind those who wait now is not let in. */
function makeRoom(state: State, taken: number, nowMs: number): void {
  const { patience, again, inbox } = state;
  patience.note(taken, again.length + inbox.length, nowMs);
  state.lineMax = patience.lengthMax - again.length;
}

function movesUnderWay({ commits }: State): Set<string> {
  const bookings = new Set<string>();
  for (const { won } of commits)
    for (const { command } of won) if (command.kind !== 'reserve') bookings.add(command.bookingId);
  return bookings;
}

function dueHolds(state: State, nowMs: number): ZoneRequest[] {
  // Half a batch at most: after a long stop thousands are due at once, and buyers wait too.
  const due = state.deadlines.takeDue(nowMs, Math.ceil(state.deps.limits.batchMax / 2));
  return due.map((bookingId) => ({
    kind: 'expire',
    bookingId,
    deadlineMs: Number.POSITIVE_INFINITY,
    reply: nobodyAsked,
  }));
}

const nobodyAsked = () => {};

/** Late requests, repeated keys and requests of a sold-out zone need no gate. */
function isAnsweredNow(state: State, request: ZoneRequest, nowMs: number, mayReturn: boolean): boolean {
  if (request.deadlineMs < nowMs) {
    const late = unavailable('the zone was too busy to begin in time');
    if (request.kind === 'reserve') state.keys.settle(request, late);
    else request.reply(late);
    return true;
  }
  if (request.kind !== 'reserve') return false;
  switch (state.keys.admit(request)) {
    case 'joined':
      return true;
    case 'mismatch':
      request.reply(mismatch);
      return true;
    case 'first':
      if (mayReturn || !isSoldOutFor(state, request)) return false;
      state.keys.settle(request, tooFew(request.quantity, state));
      return true;
  }
}

/** True when the answer is surely "too few" and the key never made a booking here. */
function isSoldOutFor(state: State, request: ReserveRequest): boolean {
  return state.available < request.quantity && !state.usedKeys.mayHave(request.key);
}

function commandOf(state: State, request: ZoneRequest, nowMs: number): ZoneCommand {
  switch (request.kind) {
    case 'reserve': {
      const { userId, key, fingerprint, quantity, traceparent } = request;
      const bookingId = state.deps.actors.world.ids.next();
      return {
        kind: 'reserve',
        bookingId,
        userId,
        key,
        fingerprint,
        quantity,
        expiresAtMs: nowMs + state.deps.limits.holdTtlMs,
        traceparent,
      };
    }
    case 'reacquire':
    case 'refund':
      return { kind: request.kind, bookingId: request.bookingId, userId: request.userId, quantity: request.quantity };
    case 'extend':
      return { kind: 'extend', bookingId: request.bookingId, expiresAtMs: request.expiresAtMs };
    case 'expire':
      return { kind: 'expire', bookingId: request.bookingId, nowMs };
    case 'confirm':
    case 'cancel':
    case 'write-off':
      return { kind: request.kind, bookingId: request.bookingId };
  }
}
