/**
 * Actors, and the only importer of nact. nact runs the handlers, recovers event-sourced actors and catches faults;
 * everything that it leaves to chance is owned here (the reasons, measured, are in docs/adr/0005):
 *
 * - mailboxes are bounded and ours; nact only ever holds a token that says "handle the next one", so that a stop
 *   loses no message silently, and `World.turns` decides when the next message runs (a simulator takes it over);
 * - a reference outlives a crash: the cell restarts its actor with fresh state after a growing delay, and answers meant
 *   for the incarnation before are dropped; nact's `resume` and `reset` are never used;
 * - a message that will never be handled is handed to `abandon`, so that nobody waits for ever;
 * - nact's `query` is never used (it mixes up replies): a reply is a callback inside the message.
 */
import {
  configurePersistence,
  dispatch,
  type PersistenceEngine,
  type Ref,
  spawn,
  spawnPersistent,
  start,
  stop,
} from 'nact';
import { type Outcome, unavailable } from '../engine/outcome.ts';
import type { Cancel, Journal, JournalRecord, Timers, World } from '../engine/ports.ts';
import { Cell, type CellContext, type Life, type Runner } from './cell.ts';

declare const accepts: unique symbol;

/** The address of an actor that takes messages of type M. It stays valid over restarts. */
export interface ActorRef<M> {
  readonly name: string;
  readonly [accepts]: (message: M) => void;
}

export type Reply<T> = (outcome: Outcome<T>) => void;

/** What a behaviour may do besides computing. All of it is void once its incarnation has ended. */
export interface Self<M> {
  now(): number;
  tell(message: M): void;
  after(delayMs: number, message: M): Cancel;
  /** Starts I/O; its result comes back as a message. Behaviours never await. */
  pipe<T>(work: Promise<T>, done: (value: T) => M, failed: (error: unknown) => M): void;
}

export interface Behaviour<S, M> {
  /** Fresh state for a new incarnation. */
  begin(self: Self<M>): S;
  /** Handles one message, synchronously. A throw is a bug: the incarnation ends and another begins. */
  receive(state: S, message: M, self: Self<M>): S;
  /** Settles a message that will not be handled (mailbox full, crashed on it, stopped). */
  abandon(message: M): void;
}

/** An event-sourced behaviour: decide, persist, apply, then react. `apply` is the only mutator and the replay. */
export interface PersistentBehaviour<S, E, M> {
  initial(): S;
  decide(state: S, message: M, nowMs: number): readonly E[];
  apply(state: S, event: E): S;
  /** Runs once after each recovery (message null), then after each durable decision. Starts effects and replies. */
  react(state: S, message: M | null, self: Self<M>): void;
  abandon(message: M): void;
}

export interface CellOptions {
  /** Messages that may wait; one more is abandoned at once. */
  readonly mailboxMax: number;
  /** The delay before a restart doubles from `minMs` to `maxMs`; a handled message sets it back. */
  readonly restart: { readonly minMs: number; readonly maxMs: number };
}

/** Told of what an operator must be able to see. */
export interface ActorWatch {
  crashed(actor: string, error: unknown): void;
  abandoned(actor: string): void;
}

export interface Actors {
  spawn<S, M>(name: string, behaviour: Behaviour<S, M>, options: CellOptions): ActorRef<M>;
  spawnPersistent<S, E, M>(name: string, behaviour: PersistentBehaviour<S, E, M>, options: CellOptions): ActorRef<M>;
  /** Hands one message over; it is abandoned when the actor has stopped or its mailbox is full. */
  tell<M>(ref: ActorRef<M>, message: M): void;
  /** Stops at once; what waits is abandoned. A graceful stop is a message that the actor itself understands. */
  stop<M>(ref: ActorRef<M>): void;
  /** Stops an actor that nothing waits for; false when something does. */
  stopIfIdle<M>(ref: ActorRef<M>): boolean;
  /** Stops every actor: the end of a process. */
  stopAll(): void;
  readonly world: World;
}

/** Sends a message that carries a reply, and settles within `timeoutMs` whatever becomes of it. */
export function ask<M, T>(
  timers: Timers,
  send: (message: M) => void,
  build: (reply: Reply<T>) => M,
  timeoutMs: number,
): Promise<Outcome<T>> {
  return new Promise((resolve) => {
    const cancel = timers.after(timeoutMs, () => resolve(unavailable('no answer in time')));
    const reply: Reply<T> = (outcome) => {
      cancel();
      resolve(outcome);
    };
    send(build(reply));
  });
}

/** Asks an actor to finish what it has accepted, and stops it when it says so, or after `graceMs`. */
export async function stopWhenDone<M>(
  actors: Actors,
  ref: ActorRef<M>,
  build: (done: Reply<null>) => M,
  graceMs: number,
): Promise<void> {
  const tell = (message: M) => actors.tell(ref, message);
  await ask(actors.world.timers, tell, build, graceMs);
  actors.stop(ref);
}

// ---- the nact side

/** nact's view of an actor: a function of its state and a token, never of our messages. */
type NactHandler = (state: unknown, token: unknown, context: object) => unknown;
interface NactPersistence {
  readonly recovering?: boolean;
  persist(record: unknown): Promise<void>;
}

const token = Symbol('turn');

/** Starts an actor system in `world`. Event-sourced actors keep their events in `journal`. */
export function createActors(world: World, journal: Journal, watch: ActorWatch): Actors {
  const system = start(configurePersistence(nactEngine(journal)));
  // A name is never used twice: nact's references are paths, and one that is stale would reach the next of its name.
  let hatched = 0;
  const nextName = () => `incarnation-${++hatched}`;
  const cell = <M>(ref: ActorRef<M>) => ref as unknown as Cell<M>;
  const cells = new Set<{ stop(): void }>();
  const address = <M>(context: Omit<CellContext<M>, 'world' | 'watch'>, name: string) => {
    const made = new Cell<M>(name, { ...context, world, watch });
    cells.add(made);
    return made as unknown as ActorRef<M>;
  };
  const end = <M>(ref: ActorRef<M>) => {
    cells.delete(cell(ref));
    cell(ref).stop();
  };
  return {
    world,
    spawn<S, M>(name: string, behaviour: Behaviour<S, M>, options: CellOptions) {
      const hatch: CellContext<M>['hatch'] = (cell, self, life) => {
        const properties = nactProperties(() => behaviour.begin(self), life);
        return nactRunner(spawn(system, plainHandler(cell, behaviour, self), nextName(), properties));
      };
      return address<M>({ options, hatch, abandon: behaviour.abandon, wakeOnBegin: false }, name);
    },
    spawnPersistent<S, E, M>(name: string, behaviour: PersistentBehaviour<S, E, M>, options: CellOptions) {
      const hatch: CellContext<M>['hatch'] = (cell, self, life) => {
        const properties = nactProperties(behaviour.initial, life);
        const handler = persistentHandler(cell, behaviour, { self, life });
        return nactRunner(spawnPersistent(system, handler, name, nextName(), properties));
      };
      return address<M>({ options, hatch, abandon: behaviour.abandon, wakeOnBegin: true }, name);
    },
    tell: (ref, message) => cell(ref).tell(message),
    stop: end,
    stopIfIdle(ref) {
      if (!cell(ref).idle) return false;
      end(ref);
      return true;
    },
    stopAll() {
      for (const each of cells) each.stop();
      cells.clear();
      stop(system);
    },
  };
}

function nactRunner(ref: Ref<unknown>): Runner {
  return { turn: () => dispatch(ref, token), stop: () => stop(ref) };
}

/** Whatever goes wrong, nact is told to stop: the cell decides about the next incarnation. */
function nactProperties(begin: () => unknown, life: Life) {
  return {
    initialStateFunc: begin,
    onCrash: (_message: unknown, error: unknown, context: { readonly stop: symbol }) => {
      life.crashed(error);
      return context.stop;
    },
  } as object;
}

function plainHandler<S, M>(cell: Cell<M>, behaviour: Behaviour<S, M>, self: Self<M>): NactHandler {
  return (state) => {
    const message = cell.take();
    const next = message === null ? state : behaviour.receive(state as S, message, self);
    cell.handled();
    return next;
  };
}

function persistentHandler<S, E, M>(
  cell: Cell<M>,
  behaviour: PersistentBehaviour<S, E, M>,
  { self, life }: { readonly self: Self<M>; readonly life: Life },
): NactHandler {
  let recovered = false;
  return async (before, events, nact) => {
    const context = nact as NactPersistence;
    let state = before as S;
    if (context.recovering) return (events as readonly E[]).reduce(behaviour.apply, state);
    if (!recovered) {
      recovered = true;
      behaviour.react(state, null, self);
    }
    const message = cell.take();
    if (message !== null) {
      const decided = behaviour.decide(state, message, self.now());
      if (decided.length > 0) {
        await context.persist(decided);
        // Stopped meanwhile: the message was abandoned, and another actor may go on from the journal.
        if (life.over()) return state;
        state = decided.reduce(behaviour.apply, state);
      }
      behaviour.react(state, message, self);
    }
    cell.handled();
    return state;
  };
}

/**
 * Our journal in the shape that nact expects; one record holds all events of one decision. What was recorded is replayed
 * in one step: for each, nact makes a context and a chain of promises.
 */
function nactEngine(journal: Journal): PersistenceEngine {
  const engine = {
    latestSnapshot: async () => undefined,
    takeSnapshot: async () => {},
    persist: (event: { key: string; sequenceNumber: number; data: unknown }) =>
      journal.append({ key: event.key, seq: event.sequenceNumber, events: event.data as readonly unknown[] }),
    events: (key: string, after: number) => ({
      async reduce<T>(step: (previous: T, record: unknown, index: number) => T, initial: T): Promise<T> {
        const records = await journal.read(key, after);
        const last = records.at(-1);
        return last
          ? step(initial, nactEvent({ ...last, events: records.flatMap(({ events }) => events) }), 0)
          : initial;
      },
    }),
  };
  return engine as unknown as PersistenceEngine;
}

function nactEvent(record: JournalRecord) {
  return { key: record.key, sequenceNumber: record.seq, data: record.events, isDeleted: false, tags: [] };
}
