/**
 * The relay: takes what the outbox holds, in the order of writing, hands each row on, and marks it when it was taken,
 * so that nothing is lost and something may come twice. One relay in the whole cluster works, by a lock; the others wait.
 *
 * It asks for rows that are not marked, never for rows after a number: numbers are given when a row is written and seen
 * when it commits, so a cursor would pass over whatever commits late.
 *
 * When a row cannot be handed on, no other is begun until all that are under way have ended, and then everything that
 * is not marked is fetched anew: what waited is not overtaken.
 *
 * Where nobody waits for what it tells, it gives way to the sale (pace.ts): it takes one small step after the other, and
 * rests after each. A step is a fetch, the handing on of what it brought, and the marks.
 */
import type { Outbox, OutboxRow, RelayLock, Room } from '../engine/event-log.ts';
import type { Cancel } from '../engine/ports.ts';
import type { ActorRef, Actors, Behaviour, Self } from './kit.ts';
import type { Pace, Rest } from './pace.ts';

// ---- Protocol

type Message =
  | { readonly type: 'wake' }
  | { readonly type: 'tick' }
  | { readonly type: 'locked'; readonly ours: boolean }
  | { readonly type: 'unlocked' }
  | { readonly type: 'fetched'; readonly rows: readonly OutboxRow[]; readonly asked: Room }
  | { readonly type: 'settled' }
  | { readonly type: 'marked'; readonly seqs: readonly string[] }
  | { readonly type: 'unmarked'; readonly seqs: readonly string[]; readonly error: unknown }
  | { readonly type: 'rested' }
  | { readonly type: 'failed'; readonly error: unknown };

// ---- Client

export interface Relay {
  readonly ref: ActorRef<Message>;
  /** Something was written to the outbox: look now rather than at the next tick. */
  wake(): void;
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
  /** Null: rows are fetched while others are under way, as fast as they come. */
  readonly pace: Pace | null;
  readonly failed: (error: unknown) => void;
}

interface State {
  readonly self: Self<Message>;
  /** Rows that were fetched and not marked yet, and the length of their text: not to be fetched again. */
  readonly underWay: Map<string, number>;
  /** Delivered, and to be marked with the next statement. */
  delivered: string[];
  /** Not delivered: they come again. */
  undelivered: string[];
  /** Told of those, and not heard yet. */
  settling: boolean;
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
  /** Of the step that has begun; null while there is none, or all the time without a pace. */
  endStep: Rest | null;
  cancelTick: Cancel;
}

/** Rows of one fetch; a row of a zone's batch holds up to a few hundred events. */
const rowsMax = 200;
/** Under way at once: what waits beyond this stays in the outbox. */
const underWayMax: Room = { rows: 2_000, bytes: 16_000_000 };
/** Of one step: some thousand events. The log takes them in requests that cost the thread some ten milliseconds each. */
const stepMax: Room = { rows: 1_000, bytes: 400_000 };
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
      else lookAfter(state, standbyMs);
      break;
    case 'unlocked':
      state.locked = false;
      break;
    case 'fetched':
      fetched(deps, state, message);
      break;
    case 'settled':
      state.settling = false;
      ended(deps, state, state.undelivered.splice(0));
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
    case 'rested':
      state.endStep = null;
      look(deps, state);
      break;
    case 'failed':
      deps.failed(message.error);
      state.asking = false;
      state.endStep = null;
      resume(state);
      lookAfter(state, tickMs);
      break;
  }
  return state;
}

function look({ outbox, lock, wanted, pace }: RelayDeps, state: State): void {
  if (state.asking) {
    state.again = true;
    return;
  }
  state.cancelTick();
  state.breathing = false;
  const room = pace ? roomForStep(state) : roomFor(state);
  if (state.halted || !room) return;
  state.asking = true;
  state.again = false;
  const { self } = state;
  const failed = (error: unknown): Message => ({ type: 'failed', error });
  if (state.locked) {
    state.endStep = pace?.begin() ?? null;
    const fetching = outbox.unpublished(room, [...state.underWay.keys()], wanted());
    self.pipe(fetching, (rows): Message => ({ type: 'fetched', rows, asked: room }), failed);
    return;
  }
  const taking = lock.take(() => self.tell({ type: 'unlocked' }));
  self.pipe(taking, (ours): Message => ({ type: 'locked', ours }), failed);
}

function roomFor({ underWay }: State): Room | null {
  const rows = Math.min(rowsMax, underWayMax.rows - underWay.size);
  const bytes = [...underWay.values()].reduce((left, length) => left - length, underWayMax.bytes);
  return rows > 0 && bytes > 0 ? { rows, bytes } : null;
}

function roomForStep({ endStep, underWay }: State): Room | null {
  return endStep || underWay.size > 0 ? null : stepMax;
}

function lookAfter(state: State, delayMs: number): void {
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
    state.endStep = null;
    lookAfter(state, standbyMs);
    return;
  }
  for (const row of rows) begin(deps, state, row);
  // With a pace, the end of the step is the next look.
  if (state.endStep && rows.length > 0) return;
  state.endStep = null;
  if (rows.length === asked.rows) look(deps, state);
  else lookAfter(state, rows.length > 0 || state.again ? breathMs : tickMs);
}

function begin(deps: RelayDeps, state: State, row: OutboxRow): void {
  const { seq } = row;
  state.underWay.set(seq, row.events.length);
  const settled = (seqs: string[]) => {
    // One message for all that settle before it is handled.
    seqs.push(seq);
    if (!state.settling) state.self.tell({ type: 'settled' });
    state.settling = true;
  };
  deps.deliver(row).then(
    () => settled(state.delivered),
    (error: unknown) => {
      // At once, not with the message: rows that were fetched just now may have their turn first, and would pass this one.
      halt(deps, state, error);
      settled(state.undelivered);
    },
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
  const wasFull = roomFor(state) === null;
  for (const seq of seqs) state.underWay.delete(seq);
  mark(deps, state);
  if (state.halted) resume(state);
  else if (state.endStep) restAfterStep(state);
  // Whoever found no room had to wait for this.
  else if (wasFull) look(deps, state);
}

function restAfterStep({ self, underWay, endStep }: State): void {
  if (!endStep || underWay.size > 0) return;
  self.pipe(
    endStep(),
    () => ({ type: 'rested' }),
    (error) => ({ type: 'failed', error }),
  );
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
  state.endStep = null;
  lookAfter(state, tickMs);
}

// ---- Lifecycle

export function startRelay(deps: RelayDeps): Relay {
  /** Hundreds who write at once wake it once: a message is a turn of the loop, and what the stores answer waits behind it. */
  let woken = false;
  const hear = (message: Message) => {
    if (message.type === 'wake') woken = false;
  };
  const behaviour: Behaviour<State, Message> = {
    begin(self) {
      self.tell({ type: 'tick' });
      const idle = { locked: false, halted: false, marking: false, asking: false, again: false, breathing: false };
      const rows = { underWay: new Map(), delivered: [], undelivered: [], settling: false };
      return { self, ...rows, ...idle, endStep: null, cancelTick: () => {} };
    },
    receive(state, message) {
      hear(message);
      return receive(deps, state, message);
    },
    abandon: hear,
  };
  const options = { mailboxMax: 10_000, restart: { minMs: 100, maxMs: 10_000 } };
  const ref = deps.actors.spawn('outbox-relay', behaviour, options);
  return {
    ref,
    wake() {
      if (woken) return;
      woken = true;
      deps.actors.tell(ref, { type: 'wake' });
    },
  };
}
