/**
 * The relay: takes what the outbox holds, in the order of writing, hands each row on, and marks it when it was taken,
 * so that nothing is lost and something may come twice. One relay in the whole cluster works, by a lock; the others wait.
 *
 * It asks for rows that are not marked, never for rows after a number: numbers are given when a row is written and seen
 * when it commits, so a cursor would pass over whatever commits late.
 *
 * When a row cannot be handed on, no other is begun until all that are under way have ended, and then everything that
 * is not marked is fetched anew: what waited is not overtaken.
 */
import type { Outbox, OutboxRow, RelayLock } from '../engine/event-log.ts';
import type { Cancel } from '../engine/ports.ts';
import type { ActorRef, Actors, Behaviour, Self } from './kit.ts';

// ---- Protocol

type Message =
  | { readonly type: 'wake' }
  | { readonly type: 'tick' }
  | { readonly type: 'locked'; readonly ours: boolean }
  | { readonly type: 'unlocked' }
  | { readonly type: 'fetched'; readonly rows: readonly OutboxRow[]; readonly asked: number }
  | { readonly type: 'delivered'; readonly seq: string }
  | { readonly type: 'undelivered'; readonly seq: string }
  | { readonly type: 'marked'; readonly seqs: readonly string[] }
  | { readonly type: 'unmarked'; readonly seqs: readonly string[]; readonly error: unknown }
  | { readonly type: 'failed'; readonly error: unknown };

export type RelayRef = ActorRef<Message>;

// ---- Client

/** Something was written to the outbox: look now rather than at the next tick. */
export function wakeRelay(actors: Actors, relay: RelayRef): void {
  actors.tell(relay, { type: 'wake' });
}

// ---- Behaviour

export interface RelayDeps {
  readonly actors: Actors;
  readonly outbox: Outbox;
  readonly lock: RelayLock;
  /** The types of events that `deliver` can use; null: all. */
  readonly wanted: () => readonly string[] | null;
  /** Begins in the order of its calls. Rejects when the row must come again. */
  readonly deliver: (row: OutboxRow) => Promise<void>;
  readonly failed: (error: unknown) => void;
}

interface State {
  readonly self: Self<Message>;
  /** Rows that were fetched and not marked yet, and the length of their text: not to be fetched again. */
  readonly underWay: Map<string, number>;
  /** Delivered, and to be marked with the next statement. */
  delivered: string[];
  /** Whether this relay is the one that works. */
  locked: boolean;
  /** Something could not be delivered: what is under way ends, nothing begins. */
  halted: boolean;
  marking: boolean;
  /** The lock or rows were asked for. */
  asking: boolean;
  /** Woken meanwhile: look again soon. */
  again: boolean;
  /** Little was found just now: what is written meanwhile comes with the next look. */
  breathing: boolean;
  cancelTick: Cancel;
}

/** Rows of one fetch; a row of a zone's batch holds up to a few hundred events. */
const rowsMax = 200;
/** Rows under way, and characters of their text: what waits beyond this stays in the outbox. */
const underWayMax = 2_000;
const charactersMax = 16_000_000;
/** From a look that found all there was to the next: a look costs as much as dozens of rows. */
const breathMs = 5;
/** How soon an idle outbox is looked at again: a wake-up can be lost, the look cannot. */
const tickMs = 200;
/** How often a relay that waits for its turn asks whether it has come. */
const standbyMs = 1_000;

function receive(deps: RelayDeps, state: State, message: Message): State {
  switch (message.type) {
    case 'wake':
      // Who has not the lock asks for it in its own time, however much is written.
      if (state.locked && !state.breathing) look(deps, state);
      break;
    case 'tick':
      look(deps, state);
      break;
    case 'locked':
      state.asking = false;
      state.locked = message.ours;
      if (message.ours) look(deps, state);
      else rest(state, standbyMs);
      break;
    case 'unlocked':
      state.locked = false;
      break;
    case 'fetched':
      fetched(deps, state, message);
      break;
    case 'delivered':
      state.delivered.push(message.seq);
      mark(deps, state);
      break;
    case 'undelivered':
      ended(deps, state, [message.seq]);
      break;
    case 'marked':
      state.marking = false;
      ended(deps, state, message.seqs);
      break;
    case 'unmarked':
      halt(deps, state, message.error);
      state.marking = false;
      ended(deps, state, message.seqs);
      break;
    case 'failed':
      deps.failed(message.error);
      state.asking = false;
      resume(state);
      rest(state, tickMs);
      break;
  }
  return state;
}

function look({ outbox, lock, wanted }: RelayDeps, state: State): void {
  if (state.asking) {
    state.again = true;
    return;
  }
  state.cancelTick();
  state.breathing = false;
  const room = roomFor(state);
  if (state.halted || room === 0) return;
  state.asking = true;
  state.again = false;
  const { self } = state;
  const failed = (error: unknown): Message => ({ type: 'failed', error });
  if (state.locked) {
    const fetching = outbox.unpublished(room, [...state.underWay.keys()], wanted());
    self.pipe(fetching, (rows): Message => ({ type: 'fetched', rows, asked: room }), failed);
  } else
    self.pipe(
      lock.take(() => self.tell({ type: 'unlocked' })),
      wasLocked,
      failed,
    );
}

const wasLocked = (ours: boolean): Message => ({ type: 'locked', ours });

function roomFor({ underWay }: State): number {
  const characters = [...underWay.values()].reduce((sum, length) => sum + length, 0);
  return characters < charactersMax ? Math.min(rowsMax, underWayMax - underWay.size) : 0;
}

function rest(state: State, delayMs: number): void {
  state.cancelTick();
  state.breathing = delayMs === breathMs;
  state.cancelTick = state.self.after(delayMs, { type: 'tick' });
}

function fetched(deps: RelayDeps, state: State, { rows, asked }: Extract<Message, { type: 'fetched' }>): void {
  state.asking = false;
  if (state.halted) {
    resume(state);
    return;
  }
  if (!state.locked) {
    rest(state, standbyMs);
    return;
  }
  for (const row of rows) begin(deps, state, row);
  if (rows.length === asked) look(deps, state);
  else rest(state, rows.length > 0 || state.again ? breathMs : tickMs);
}

function begin(deps: RelayDeps, state: State, row: OutboxRow): void {
  const { seq } = row;
  state.underWay.set(seq, row.events.length);
  // At once, not with the message of it: rows that were fetched just now may have their turn first, and would pass this one.
  const delivering = deps.deliver(row).catch((error: unknown) => {
    halt(deps, state, error);
    throw error;
  });
  state.self.pipe(
    delivering,
    () => ({ type: 'delivered', seq }),
    () => ({ type: 'undelivered', seq }),
  );
}

function mark({ outbox }: RelayDeps, state: State): void {
  if (state.marking || state.delivered.length === 0) return;
  const seqs = state.delivered;
  state.delivered = [];
  state.marking = true;
  state.self.pipe(
    outbox.markPublished(seqs),
    () => ({ type: 'marked', seqs }),
    (error) => ({ type: 'unmarked', seqs, error }),
  );
}

/** Rows whose way has ended, well or not: those that are not marked come again. */
function ended(deps: RelayDeps, state: State, seqs: readonly string[]): void {
  const full = roomFor(state) === 0;
  for (const seq of seqs) state.underWay.delete(seq);
  mark(deps, state);
  resume(state);
  // Whoever found no room had to wait for this.
  if (full) look(deps, state);
}

function halt({ failed }: RelayDeps, state: State, error: unknown): void {
  // What waited behind the first fails with it, and says the same.
  if (!state.halted) failed(error);
  state.halted = true;
}

/** Also what is being fetched now was chosen without what has failed, and would come before it. */
function resume(state: State): void {
  if (!state.halted || state.underWay.size > 0 || state.asking) return;
  state.halted = false;
  rest(state, tickMs);
}

// ---- Lifecycle

export function startRelay(deps: RelayDeps): RelayRef {
  const behaviour: Behaviour<State, Message> = {
    begin(self) {
      self.tell({ type: 'tick' });
      const idle = { locked: false, halted: false, marking: false, asking: false, again: false, breathing: false };
      return { self, underWay: new Map(), delivered: [], ...idle, cancelTick: () => {} };
    },
    receive: (state, message) => receive(deps, state, message),
    abandon: () => {},
  };
  return deps.actors.spawn('outbox-relay', behaviour, { mailboxMax: 10_000, restart: { minMs: 100, maxMs: 10_000 } });
}
