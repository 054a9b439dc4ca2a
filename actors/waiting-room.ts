/**
 * The waiting room actor: the only writer of its event's queue log. It gathers what waits into a batch, judges it, fills
 * the free slots, has the truth append what came of it, and answers and tells after the commit.
 *
 * The log is the room. Whenever it is not sure what the truth took (a lost answer, a refused batch), it takes over from
 * itself: raises its epoch, reads the log anew and judges again what was not answered. Start, fail-over and recovery
 * after a crash are the same path.
 *
 * It neither signs passes (http/pass-seal.ts) nor holds connections; it does not decide who owns which room.
 */
import { accept, unavailable } from '../engine/outcome.ts';
import { termsFrom } from '../engine/waiting-room.ts';
import { Inbox } from './inbox.ts';
import { type ActorRef, type Behaviour, type Reply, stopWhenDone } from './kit.ts';
import { LivePresence } from './live-presence.ts';
import { RoomFollowers } from './room-followers.ts';
import { closed, doubt, notTaken, take, taken } from './waiting-room-doubt.ts';
import { judge } from './waiting-room-judge.ts';
import { spreadIfDue, tell } from './waiting-room-news.ts';
import type { RoomAddress, RoomListener, RoomRequest } from './waiting-room-requests.ts';
import {
  newDraft,
  newState,
  newsEveryMs,
  type RoomDeps,
  type RoomSurroundings,
  type State,
} from './waiting-room-state.ts';
import type { Survey, TakenRoom } from './waiting-room-truth.ts';
import { activate, admit, awaitPassEnd, happen, keepLobby, seeNow } from './waiting-room-upkeep.ts';

// ---- Protocol: requests wait in the inbox (waiting-room-requests.ts); messages only say that something happened.

/** What changes a room though nobody asked. */
export type Happening =
  | { readonly type: 'tick' }
  | { readonly type: 'pass-over' }
  | { readonly type: 'surveyed'; readonly survey: Survey; readonly seatsBefore: number; readonly epoch: number };

export type RoomMessage =
  | Happening
  | { readonly type: 'wake' }
  | { readonly type: 'take' }
  | { readonly type: 'close'; readonly done: Reply<null> }
  | { readonly type: 'taken'; readonly taken: TakenRoom | null }
  | { readonly type: 'not-taken'; readonly error: unknown }
  | { readonly type: 'appended'; readonly answer: 'appended' | 'stale' }
  | { readonly type: 'append-lost'; readonly error: unknown }
  | { readonly type: 'not-surveyed'; readonly error: unknown };

// ---- Client: the functions of waiting-room-requests.ts, over this address.

export interface LocalRoom extends RoomAddress {
  readonly eventId: string;
  readonly ref: ActorRef<RoomMessage>;
  /**
   * Ends the actor once everything it has accepted is answered. What is not after `graceMs` goes to the next owner, who
   * knows from the log what became of it.
   */
  close(graceMs: number): Promise<void>;
}

// ---- Behaviour

function receive(state: State, message: RoomMessage): State {
  switch (message.type) {
    case 'wake':
      advance(state);
      break;
    case 'tick':
    case 'pass-over':
    case 'surveyed':
      state.happened.push(message);
      advance(state);
      break;
    case 'take':
      take(state);
      break;
    case 'close':
      state.closing = message.done;
      advance(state);
      break;
    case 'taken':
      taken(state, message.taken);
      advance(state);
      break;
    case 'not-taken':
      notTaken(state, message.error);
      break;
    case 'appended':
      appended(state, message.answer);
      break;
    case 'append-lost':
      doubt(state, 'the truth did not answer', message.error);
      break;
    case 'not-surveyed':
      state.surveying = false;
      state.deps.watch.doubted(state.eventId, 'the stock could not be read', message.error);
      break;
  }
  if (state.closing && isIdle(state)) state.closing(accept(null));
  return state;
}

/** Nothing that was accepted waits for an answer. */
function isIdle({ appending, draft, again, around }: State): boolean {
  return !appending && draft.requests.length + draft.entries.length + again.length + around.inbox.length === 0;
}

/**
 * Judges what waits, lets in whom there is room for, and sends it to the truth. One batch is on its way at a time, and
 * nothing changes the room meanwhile: so when it has arrived, all that memory holds is durable and may be told.
 */
function advance(state: State): void {
  if (state.phase !== 'open' || state.appending) return;
  for (const message of state.happened.splice(0)) happen(state, message);
  armTick(state);
  const { inbox } = state.around;
  const waiting = [...state.again, ...inbox.take(Math.max(0, state.deps.limits.batchMax - state.again.length))];
  state.again = [];
  for (const request of waiting) judge(state, request);
  activate(state);
  keepLobby(state);
  admit(state);
  awaitPassEnd(state);
  append(state);
  // What is left waits for the commit, which comes back here.
  if (!state.appending && inbox.length > 0) state.self.tell({ type: 'wake' });
}

function append(state: State): void {
  const { draft, acquired, deps, self } = state;
  if (!acquired || state.appending) return;
  state.draft = newDraft();
  const [first] = draft.entries;
  if (!first) {
    for (const answer of draft.answers) answer();
    spreadIfDue(state);
    return;
  }
  state.appending = draft;
  const configured = draft.entries.findLast((entry) => entry.kind === 'configure');
  self.pipe(
    deps.ledger.append({
      lease: acquired.lease,
      afterSeq: first.seq - 1,
      entries: draft.entries,
      mode: configured ? termsFrom(configured.detail).mode : null,
      accessCodes: draft.accessCodes,
    }),
    (answer) => ({ type: 'appended', answer }),
    (error) => ({ type: 'append-lost', error }),
  );
}

function appended(state: State, answer: 'appended' | 'stale'): void {
  const durable = state.appending;
  if (!durable) return;
  if (answer === 'stale') {
    doubt(state, 'the log is not where it was, or another owner has it');
    return;
  }
  state.appending = null;
  if (durable.accessCodes && state.acquired) state.acquired = { ...state.acquired, accessCodes: durable.accessCodes };
  for (const answerNow of durable.answers) answerNow();
  tell(state, durable);
  spreadIfDue(state);
  advance(state);
}

/** The next tick, or the next news between two of them, unless it is on its way or nobody needs one. */
function armTick(state: State): void {
  const { room, around, stock, self, deps } = state;
  const isIdle = room.terms.mode === 'off' && room.people.size === 0 && around.listeners.size === 0;
  if (state.ticking || isIdle) return;
  state.ticking = true;
  // The start of the sale is not to be a tick late.
  const untilStartMs = stock.saleStartMs - self.now();
  const delayMs = around.listeners.size > 0 ? newsEveryMs(deps.limits) : deps.limits.tickMs;
  self.after(untilStartMs > 0 ? Math.min(untilStartMs, delayMs) : delayMs, { type: 'tick' });
}

const busy = unavailable('too many requests wait for this waiting room');
const moving = unavailable('the waiting room is moving to another node');

// ---- Lifecycle

/** Starts the actor of one event's waiting room. It takes the room over at once; until then requests wait. */
export function startWaitingRoom(eventId: string, deps: RoomDeps): LocalRoom {
  const { actors, limits, handOn } = deps;
  const listeners = new Set<RoomListener>();
  const presence = new LivePresence();
  const around: RoomSurroundings = {
    inbox: new Inbox<RoomRequest>(limits.inboxMax, () => actors.tell(ref, { type: 'wake' })),
    presence,
    listeners,
    followers: new RoomFollowers(listeners, (door) => {
      const users = presence.shut(door);
      if (present) seeNow(present, users);
    }),
    uses: new Map(),
    news: null,
  };
  let present: State | null = null;
  const behaviour: Behaviour<State, RoomMessage> = {
    begin(self) {
      // What crashed it once is not tried again.
      if (present) for (const request of unanswered(present)) request.reply(closed);
      present = newState(eventId, deps, around, self);
      self.tell({ type: 'take' });
      return present;
    },
    receive,
    // What a message carried is also in the state, which is abandoned as a whole.
    abandon: () => {},
  };
  const ref: ActorRef<RoomMessage> = actors.spawn(`waiting-room:${eventId}`, behaviour, {
    mailboxMax: 10_000,
    restart: { minMs: 100, maxMs: 10_000 },
  });
  let isClosed = false;
  return {
    eventId,
    ref,
    door: 'here',
    send(request) {
      if (isClosed) handOn(eventId, request);
      else if (!around.inbox.offer(request)) request.reply(busy);
    },
    async close(graceMs) {
      isClosed = true;
      await stopWhenDone<RoomMessage>(actors, ref, (done) => ({ type: 'close', done }), graceMs);
      const left = [...(present ? unanswered(present) : []), ...around.inbox.take(Number.POSITIVE_INFINITY)];
      for (const request of left) handOn(eventId, request);
      around.followers.end(moving);
    },
    subscribe(listener) {
      around.listeners.add(listener);
      actors.tell(ref, { type: 'wake' });
      return () => void around.listeners.delete(listener);
    },
    get news() {
      return around.news;
    },
  };
}

/** What an incarnation has taken and not answered, in the order in which it came. */
function unanswered({ appending, draft, again }: State): readonly RoomRequest[] {
  return [...(appending?.requests ?? []), ...draft.requests, ...again];
}
