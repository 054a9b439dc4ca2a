/**
 * The relay: takes what the outbox holds, hands each event to the consumers of its topic, and marks it afterwards, so
 * that nothing is lost and something may come twice. Events of one key reach a consumer one after the other, in order;
 * what a consumer cannot take, after a few tries, becomes a dead letter and the rest flows on.
 */
import type { DomainEvent } from '../engine/events.ts';
import type { Outcome } from '../engine/outcome.ts';
import type { Cancel, Outbox, OutboxRow, World } from '../engine/ports.ts';
import type { ActorRef, Actors, Behaviour, Self } from './kit.ts';

// ---- Protocol

type Message =
  | { readonly type: 'wake' }
  | { readonly type: 'relayed'; readonly rows: number }
  | { readonly type: 'failed'; readonly error: unknown };

export type RelayRef = ActorRef<Message>;

// ---- Client

/** Something was written to the outbox: look now rather than at the next tick. */
export function wakeRelay(actors: Actors, relay: RelayRef): void {
  actors.tell(relay, { type: 'wake' });
}

// ---- Behaviour

/** Handles events at least once. SERVICE_UNAVAILABLE asks for another try; any other refusal is final. */
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
  readonly relaying: boolean;
  /** Woken while relaying: look again at once. */
  readonly again: boolean;
  readonly cancelTick: Cancel;
}

/** Rows of one round; a row of a zone's batch holds up to a few hundred events. */
const rowsMax = 200;
/** How soon an idle outbox is looked at again: a wake-up can be lost, the look cannot. */
const tickMs = 200;
const attemptsMax = 6;
const retryFirstMs = 100;

function receive(deps: RelayDeps, state: State, message: Message, self: Self<Message>): State {
  const tick = () => ({ relaying: false, again: false, cancelTick: self.after(tickMs, { type: 'wake' }) });
  switch (message.type) {
    case 'wake':
      if (state.relaying) return { ...state, again: true };
      state.cancelTick();
      self.pipe(
        relay(deps),
        (rows) => ({ type: 'relayed', rows }),
        (error) => ({ type: 'failed', error }),
      );
      return { ...state, relaying: true, again: false };
    case 'relayed':
      if (message.rows === 0 && !state.again) return tick();
      self.tell({ type: 'wake' });
      return { ...state, relaying: false };
    case 'failed':
      deps.watch.failed(message.error);
      return tick();
  }
}

/** One round; answers how many rows it relayed. */
async function relay({ actors, outbox, consumers, watch }: RelayDeps): Promise<number> {
  const rows = await outbox.unpublished(rowsMax);
  if (rows.length === 0) return 0;
  for (const consumer of consumers) {
    const queues = eventsByKey(rows.filter((row) => row.topic === consumer.topic));
    await Promise.all(
      [...queues.values()].map((events) => deliver(consumer, events, { outbox, watch, world: actors.world })),
    );
  }
  await outbox.markPublished(rows.map((row) => row.seq));
  return rows.length;
}

function eventsByKey(rows: readonly OutboxRow[]): Map<string, DomainEvent[]> {
  const queues = new Map<string, DomainEvent[]>();
  for (const row of rows) {
    for (const event of JSON.parse(row.events) as DomainEvent[]) {
      const queue = queues.get(event.subject);
      if (queue) queue.push(event);
      else queues.set(event.subject, [event]);
    }
  }
  return queues;
}

async function deliver(
  consumer: Consumer,
  events: readonly DomainEvent[],
  deps: { outbox: Outbox; watch: RelayWatch; world: World },
): Promise<void> {
  for (const event of events) {
    const error = await tryToHandle(consumer, event, deps);
    if (error === null) continue;
    await deps.outbox.deadLetter({
      topic: consumer.topic,
      consumer: consumer.name,
      event,
      error,
      attempts: attemptsMax,
    });
    deps.watch.delivered('dead-letter');
  }
}

/** Null when the consumer took the event, else why it never will. */
async function tryToHandle(
  consumer: Consumer,
  event: DomainEvent,
  { watch, world }: { watch: RelayWatch; world: World },
): Promise<string | null> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await consumer.handle(event);
    if (outcome.ok) {
      watch.delivered('done');
      return null;
    }
    const { code, message } = outcome.rejection;
    if (code !== 'SERVICE_UNAVAILABLE' || attempt === attemptsMax) return `${code}: ${message ?? ''}`;
    watch.delivered('retried');
    await new Promise<void>((resolve) => world.timers.after(retryFirstMs * 2 ** (attempt - 1), resolve));
  }
}

// ---- Lifecycle

export function startRelay(deps: RelayDeps): RelayRef {
  const behaviour: Behaviour<State, Message> = {
    begin(self) {
      self.tell({ type: 'wake' });
      return { relaying: false, again: false, cancelTick: () => {} };
    },
    receive: (state, message, self) => receive(deps, state, message, self),
    abandon: () => {},
  };
  return deps.actors.spawn('outbox-relay', behaviour, { mailboxMax: 10_000, restart: { minMs: 100, maxMs: 10_000 } });
}
