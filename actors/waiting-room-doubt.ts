/**
 * Becoming the owner of a waiting room: the one way in which memory and truth are brought together, used at start, after
 * a crash and after every doubt.
 */
import { type Refused, reject, unavailable } from '../engine/outcome.ts';
import { termsText, type WaitingRoom } from '../engine/waiting-room.ts';
import { passOf } from './waiting-room-news.ts';
import { newDraft, type State, write } from './waiting-room-state.ts';
import { type TakenRoom, takeRoom } from './waiting-room-truth.ts';
import { forgiveEverybody, meetTruth } from './waiting-room-upkeep.ts';

export function take(state: State): void {
  const { deps, eventId, self } = state;
  self.pipe(
    deps.lease(eventId).then(() => takeRoom(deps, eventId)),
    (taken) => ({ type: 'taken', taken }),
    (error) => ({ type: 'not-taken', error }),
  );
}

export function taken(state: State, found: TakenRoom | null): void {
  state.failures = 0;
  if (!found) {
    state.phase = 'absent';
    refuseAll(state, noSuchEvent);
    state.deps.gone(state.eventId);
    return;
  }
  const { acquired, room, survey: known } = found;
  state.phase = 'open';
  state.acquired = acquired;
  state.room = room;
  state.stock = known.stock;
  state.seatsTaken = 0;
  state.tickedAtMs = state.self.now();
  forgiveEverybody(state);
  remindOf(state, room);
  // A room that is off has no log before it is needed.
  if (acquired.mode !== room.terms.mode)
    write(state, { kind: 'configure', detail: termsText({ ...room.terms, mode: acquired.mode }, 'catalogue') });
  meetTruth(state, known.checkouts);
  for (const person of room.active.values())
    if (person.stage === 'admitted')
      for (const one of state.around.listeners) one.admitted(passOf(state.eventId, person));
}

function remindOf(state: State, room: WaitingRoom): void {
  for (const { userId, stage, seenAtMs } of room.people.values())
    if (stage === 'waiting') state.missing.add(userId, seenAtMs + room.terms.graceMs);
}

/** Whoever waits is told to come again, rather than to wait for nobody knows how long. */
export function notTaken(state: State, error: unknown): void {
  state.deps.watch.doubted(state.eventId, 'the room could not be taken over', error);
  refuseAll(state, closed);
  const delayMs = Math.min(2_000, 50 * 2 ** state.failures++);
  state.self.after(delayMs, { type: 'take' });
}

/** Nothing in memory is to be trusted: begin again from the log. */
export function doubt(state: State, why: string, error?: unknown): void {
  state.deps.watch.doubted(state.eventId, why, error);
  state.again = [...(state.appending?.requests ?? []), ...state.draft.requests, ...state.again];
  state.appending = null;
  state.draft = newDraft();
  state.phase = 'loading';
  take(state);
}

function refuseAll(state: State, refusal: Refused): void {
  for (const request of [...state.again, ...state.around.inbox.take(Number.POSITIVE_INFINITY)]) request.reply(refusal);
  state.again = [];
}

const noSuchEvent = reject('NOT_FOUND');
export const closed = unavailable('the waiting room cannot reach its log');
