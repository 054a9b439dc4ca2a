/**
 * A world in which everything that is not a function of the messages follows from one number: time, timers, ids,
 * chance, and when an actor takes its next turn. Whatever is to happen waits in one list and happens by virtual time,
 * one thing after another; two worlds of one seed that are told the same have the same history.
 */
import type { Cancel, Clock, Ids, Random, Thread, Timers, Turns, World } from '../../engine/ports.ts';

interface Pending {
  readonly atMs: number;
  readonly order: number;
  readonly what: string;
  readonly run: () => void;
}

/** How long after it was asked for an actor's turn comes, in ms. */
export type TurnLag = (random: Random) => number;

const atOnce: TurnLag = () => 0;

export class SimulatedWorld implements World {
  readonly clock: Clock = { now: () => Math.floor(this.#nowMs) };
  readonly timers: Timers = { after: (delayMs, run) => this.later(delayMs, 'timer', run) };
  readonly ids: Ids = { next: () => this.#nextId() };
  readonly random: Random;
  readonly turns: Turns;
  /** Idle, but for what `work` says. */
  readonly thread: Thread = { spent: () => ({ busyMs: this.#busyMs, idleMs: this.#nowMs - this.#busyMs }) };
  /** One line for each thing that happened. */
  readonly history: string[] = [];
  #nowMs: number;
  #busyMs = 0;
  #order = 0;
  #idsMade = 0;
  #pending: Pending[] = [];

  constructor(seed: number, startMs: number, lag: TurnLag = atOnce) {
    this.#nowMs = startMs;
    this.random = { next: mulberry32(seed) };
    this.turns = { schedule: (run) => void this.later(lag(this.random), 'turn', () => run(() => {})) };
  }

  /** Has `run` happen `delayMs` from now. Things of the same moment happen in the order in which they were asked for. */
  later(delayMs: number, what: string, run: () => void): Cancel {
    const entry = { atMs: this.#nowMs + delayMs, order: this.#order++, what, run };
    this.#pending.push(entry);
    return () => {
      this.#pending = this.#pending.filter((other) => other !== entry);
    };
  }

  /** Keeps the thread busy from now on: what is due meanwhile happens after it. */
  work(ms: number): void {
    this.#nowMs += ms;
    this.#busyMs += ms;
  }

  note(line: string): void {
    this.history.push(`${this.#nowMs.toFixed(3)} ${line}`);
  }

  /** Lets happen what is due by `untilMs`, and what comes of it, and moves the clock there. */
  async runUntil(untilMs: number): Promise<void> {
    // What was begun before the first step (an actor that recovers) gets to the point where it waits for the world.
    await handled();
    for (let next = this.#takeNext(untilMs); next; next = this.#takeNext(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.note(next.what);
      next.run();
      await handled();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #takeNext(untilMs: number): Pending | null {
    let first: Pending | null = null;
    for (const entry of this.#pending)
      if (!first || entry.atMs < first.atMs || (entry.atMs === first.atMs && entry.order < first.order)) first = entry;
    if (!first || first.atMs > untilMs) return null;
    this.#pending = this.#pending.filter((entry) => entry !== first);
    return first;
  }

  #nextId(): string {
    const digits = (++this.#idsMade).toString(16).padStart(12, '0');
    return `00000000-0000-7000-8000-${digits}`;
  }
}

/**
 * Resolves when nact has handled what it was given: it defers each message by one setImmediate, and one that was given
 * in a promise's reaction is deferred to the same round as our first.
 */
async function handled(): Promise<void> {
  for (let rounds = 0; rounds < 2; rounds++) await new Promise((resolve) => setImmediate(resolve));
}

/** A small generator of numbers in [0, 1) that a seed decides (Tommy Ettinger's mulberry32, public domain). */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
