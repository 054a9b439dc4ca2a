/**
 * The relay: takes what the outbox holds, hands each event to the consumers of its topic, and marks a row when all its
 * events were taken, so that nothing is lost and something may come twice. Events of one key reach a consumer one after
 * the other, in order; a key that has to wait holds up no other. What a consumer cannot take, after a few tries, becomes
 * a dead letter and what follows flows on.
 */
import type { DomainEvent } from '../engine/events.ts';
import { type Outcome, unavailable } from '../engine/outcome.ts';
import type { Cancel, Outbox, OutboxRow, World } from '../engine/ports.ts';
import type { ActorRef, Actors, Behaviour, Self } from './kit.ts';

// ---- Protocol

type Message =
  | { readonly type: 'wake' }
  | { readonly type: 'fetched'; readonly rows: readonly OutboxRow[] }
  | { readonly type: 'delivered'; readonly seq: string }
  | { readonly type: 'undelivered'; readonly seq: string; readonly error: unknown }
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

/**
 * Handles events at least once. SERVICE_UNAVAILABLE, or a throw, asks for another try; any other refusal is final. An
 * event that is repeated may come after later ones of its key.
 */
export interface Consumer {
  readonly name: string;
  readonly topic: string;
  handle(event: DomainEvent): Promise<Outcome<null>>;
}

export interface RelayDeps {
  readonly actors: Actors;
  readonly outbox: Outbox;
  readonly consumers: readonly Consumer[];
  readonly watch: RelayWatch;
}

export interface RelayWatch {
  delivered(result: 'done' | 'retried' | 'dead-letter'): void;
  failed(error: unknown): void;
}

interface State {
  readonly self: Self<Message>;
  /** Rows under way, until they are marked: not to be fetched again. */
  readonly underWay: Set<string>;
  /** The last delivery under way of each consumer and key: the next one waits for it. */
  readonly turns: Map<string, Promise<void>>;
  /** Delivered, and to be marked with the next statement. */
  delivered: string[];
  marking: boolean;
  fetching: boolean;
  /** Woken while fetching: look again at once. */
  again: boolean;
  cancelTick: Cancel;
}

/** Rows of one fetch; a row of a zone's batch holds up to a few hundred events. */
const rowsMax = 200;
/** Rows under way: what waits for consumers beyond this stays in the outbox. */
const underWayMax = 2_000;
/** How soon an idle outbox is looked at again: a wake-up can be lost, the look cannot. */
const tickMs = 200;
const attemptsMax = 6;
const retryFirstMs = 100;

function receive(deps: RelayDeps, state: State, message: Message): State {
  switch (message.type) {
    case 'wake':
      fetchRows(deps, state);
      break;
    case 'fetched':
      state.fetching = false;
      for (const row of message.rows) begin(deps, state, row);
      if (message.rows.length > 0 || state.again) state.self.tell({ type: 'wake' });
      else rest(state);
      break;
    case 'delivered':
      state.delivered.push(message.seq);
      mark(deps, state);
      break;
    case 'marked':
      // Whoever found no room had to wait for this.
      if (state.underWay.size >= underWayMax) state.self.tell({ type: 'wake' });
      forget(state, message.seqs);
      state.marking = false;
      mark(deps, state);
      break;
    case 'unmarked':
      deps.watch.failed(message.error);
      forget(state, message.seqs);
      state.marking = false;
      mark(deps, state);
      break;
    case 'undelivered':
      deps.watch.failed(message.error);
      forget(state, [message.seq]);
      break;
    case 'failed':
      deps.watch.failed(message.error);
      state.fetching = false;
      rest(state);
      break;
  }
  return state;
}

function fetchRows({ outbox }: RelayDeps, state: State): void {
  if (state.fetching) {
    state.again = true;
    return;
  }
  state.cancelTick();
  const room = Math.min(rowsMax, underWayMax - state.underWay.size);
  if (room === 0) {
    rest(state);
    return;
  }
  state.fetching = true;
  state.again = false;
  state.self.pipe(
    outbox.unpublished(room, [...state.underWay]),
    (rows) => ({ type: 'fetched', rows }),
    (error) => ({ type: 'failed', error }),
  );
}

function rest(state: State): void {
  state.cancelTick = state.self.after(tickMs, { type: 'wake' });
}

function begin(deps: RelayDeps, state: State, row: OutboxRow): void {
  const { seq } = row;
  state.underWay.add(seq);
  state.self.pipe(
    deliverRow(deps, state.turns, row),
    () => ({ type: 'delivered', seq }),
    (error) => ({ type: 'undelivered', seq, error }),
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

/** A row that was not marked is fetched again. */
function forget({ underWay }: State, seqs: readonly string[]): void {
  for (const seq of seqs) underWay.delete(seq);
}

async function deliverRow(deps: RelayDeps, turns: State['turns'], row: OutboxRow): Promise<void> {
  const consumers = deps.consumers.filter((consumer) => consumer.topic === row.topic);
  if (consumers.length === 0) return;
  const events = JSON.parse(row.events) as DomainEvent[];
  await Promise.all(
    consumers.flatMap((consumer) =>
      events.map((event) => inTurn(turns, `${consumer.name} ${event.subject}`, () => deliver(deps, consumer, event))),
    ),
  );
}

/** Runs `work` after what is under way of the same key; when that fails, so does this: it must not come first. */
function inTurn(turns: State['turns'], key: string, work: () => Promise<void>): Promise<void> {
  const before = turns.get(key);
  const turn = (before ? before.then(work) : work()).finally(() => {
    if (turns.get(key) === turn) turns.delete(key);
  });
  turns.set(key, turn);
  return turn;
}

async function deliver({ actors, outbox, watch }: RelayDeps, consumer: Consumer, event: DomainEvent): Promise<void> {
  const failure = await tryToHandle(consumer, event, { watch, world: actors.world });
  if (failure === null) return;
  await outbox.deadLetter({ topic: consumer.topic, consumer: consumer.name, event, ...failure });
  watch.delivered('dead-letter');
}

/** Null when the consumer took the event, else why it never will. */
async function tryToHandle(
  consumer: Consumer,
  event: DomainEvent,
  { watch, world }: { watch: RelayWatch; world: World },
): Promise<{ readonly error: string; readonly attempts: number } | null> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await handled(consumer, event);
    if (outcome.ok) {
      watch.delivered('done');
      return null;
    }
    const { code, message } = outcome.rejection;
    if (code !== 'SERVICE_UNAVAILABLE' || attempt === attemptsMax)
      return { error: `${code}: ${message ?? ''}`, attempts: attempt };
    watch.delivered('retried');
    await new Promise<void>((resolve) => world.timers.after(retryFirstMs * 2 ** (attempt - 1), resolve));
  }
}

/** A consumer that throws has a bug, and an event that makes it throw must not stop the others. */
async function handled(consumer: Consumer, event: DomainEvent): Promise<Outcome<null>> {
  try {
    return await consumer.handle(event);
  } catch (error) {
    return unavailable(String(error));
  }
}

// ---- Lifecycle

export function startRelay(deps: RelayDeps): RelayRef {
  const behaviour: Behaviour<State, Message> = {
    begin(self) {
      self.tell({ type: 'wake' });
      const idle = { marking: false, fetching: false, again: false, cancelTick: () => {} };
      return { self, underWay: new Set(), turns: new Map(), delivered: [], ...idle };
    },
    receive: (state, message) => receive(deps, state, message),
    abandon: () => {},
  };
  return deps.actors.spawn('outbox-relay', behaviour, { mailboxMax: 10_000, restart: { minMs: 100, maxMs: 10_000 } });
}
