/** One zone actor over the stores in memory, in a world in which each call takes 1 ms there and 1 ms back. */
import { expect } from 'vitest';
import { createActors } from '../../actors/kit.ts';
import { type LocalZone, startZone } from '../../actors/zone.ts';
import { type Moved, type Reservation, reserve } from '../../actors/zone-requests.ts';
import type { ZoneLimits } from '../../actors/zone-state.ts';
import type { Outcome } from '../../engine/outcome.ts';
import { createMemoryGate, type MemoryGate } from '../../persistence/memory/gate.ts';
import { createMemoryJournal } from '../../persistence/memory/journal.ts';
import { createMemoryLedger, type MemoryLedger } from '../../persistence/memory/ledger.ts';
import { hashOf } from '../contracts/event-sample.ts';
import { SimulatedWorld } from './world.ts';

export const startMs = Date.parse('2027-03-01T12:00:00.000Z');
export const [eventId, zoneId] = ['e', 'z'];
const terms = { priceMinor: 100, currency: 'THB', maxPerUser: 4 };
const limits: ZoneLimits = {
  batchMax: 8,
  inboxMax: 50,
  waitMaxMs: 200,
  commitsMax: 2,
  holdTtlMs: 1_000,
  ack: 'durable',
};

export interface Wanted {
  readonly quantity?: number;
  readonly userId?: string;
  readonly key?: string;
  readonly body?: string;
  readonly deadlineMs?: number;
  readonly of?: LocalZone;
}

export interface MoveAsk {
  readonly deadlineMs: number;
  readonly reply: (outcome: Outcome<Moved>) => void;
}

export class ZoneBench {
  readonly world = new SimulatedWorld(1, startMs);
  readonly gate: MemoryGate;
  readonly ledger: MemoryLedger;
  /** Every call of the stores, in their order; batches with the number of their commands. */
  readonly calls: string[] = [];
  readonly doubts: string[] = [];
  /** Calls that lose their answer, once each, before or after their effect. */
  readonly failing = new Map<string, 'before' | 'after'>();
  /** Calls that get nowhere, as long as they are named here. */
  readonly down = new Set<string>();
  /** How long a call's effect takes to happen, in ms, where it is not 1. */
  readonly slow = new Map<string, number>();
  /** The place in which the actor throws next. */
  crashIn: 'batched' | 'lua' | 'commit' | 'doubt' | null = null;
  #asked = 0;

  constructor() {
    const wire = <T>(call: string, effect: () => T) => this.#carry(call, effect);
    this.gate = createMemoryGate(wire);
    this.ledger = createMemoryLedger(this.world.clock.now, wire);
    this.ledger.addZone({ eventId, zoneId, capacity: 10, ...terms });
  }

  #carry<T>(call: string, effect: () => T): Promise<T> {
    this.calls.push(call);
    const failure = this.down.has(call) ? 'before' : this.failing.get(call);
    this.failing.delete(call);
    return new Promise((resolve, reject) => {
      this.world.later(this.slow.get(call) ?? 1, call, () => {
        const run = failure === 'before' ? null : attempt(effect);
        this.world.later(1, `${call} answered`, () => {
          if (failure || !run) reject(new Error('no answer'));
          else run(resolve, reject);
        });
      });
    });
  }

  /** Starts the actor of a zone and waits until it is open. */
  async open(id = zoneId, more: Partial<ZoneLimits> = {}): Promise<LocalZone> {
    const actors = createActors(this.world, createMemoryJournal(), { crashed: () => {}, abandoned: () => {} });
    const gate: MemoryGate = {
      ...this.gate,
      apply: (batch) => {
        this.calls.push(`batch of ${batch.commands.length}`);
        return this.gate.apply(batch);
      },
    };
    const watch = {
      refused: () => {},
      batched: () => this.#maybeCrash('batched'),
      timed: (stage: 'lua' | 'commit') => {
        this.#maybeCrash(stage);
        return () => {};
      },
      doubted: (_: string, why: string) => {
        this.doubts.push(why);
        this.#maybeCrash('doubt');
      },
    };
    const zone = startZone(id, {
      actors,
      lease: async () => {},
      gate,
      ledger: this.ledger,
      limits: { ...limits, ...more },
      watch,
    });
    await this.pass(50);
    this.calls.length = 0;
    this.doubts.length = 0;
    return zone;
  }

  #maybeCrash(where: 'batched' | 'lua' | 'commit' | 'doubt'): void {
    if (this.crashIn !== where) return;
    this.crashIn = null;
    throw new Error('a bug');
  }

  pass(ms: number): Promise<void> {
    return this.world.runUntil(this.now + ms);
  }

  get now(): number {
    return this.world.clock.now();
  }

  get batches(): string[] {
    return this.calls.filter((call) => call.startsWith('batch'));
  }

  get row() {
    return this.ledger.tables.zones.get(zoneId);
  }

  statusOf(bookingId: string) {
    return this.ledger.tables.bookings.get(bookingId)?.status;
  }

  /** Asks for seats; the outcomes come in as time passes. Whoever does not matter is somebody new. */
  ask(zone: LocalZone, { quantity = 1, ...wanted }: Wanted = {}): Outcome<Reservation>[] {
    const { userId = `u${this.#asked}`, key = `k${this.#asked}` } = wanted;
    this.#asked++;
    const outcomes: Outcome<Reservation>[] = [];
    reserve(zone, {
      userId,
      key: hashOf(`${userId} ${key}`),
      fingerprint: hashOf(wanted.body ?? `${quantity}`),
      quantity,
      deadlineMs: wanted.deadlineMs ?? this.now + 10_000,
      reply: (outcome) => outcomes.push(outcome),
    });
    return outcomes;
  }

  async outcomeOf(zone: LocalZone, wanted: Wanted = {}, withinMs = 50): Promise<Outcome<Reservation>> {
    const outcomes = this.ask(zone, wanted);
    await this.pass(withinMs);
    expect(outcomes).toHaveLength(1);
    return outcomes[0] as Outcome<Reservation>;
  }

  async reserved(zone: LocalZone, wanted: Wanted = {}, withinMs = 50): Promise<Reservation> {
    const outcome = await this.outcomeOf(zone, wanted, withinMs);
    if (!outcome.ok) throw new Error(outcome.rejection.code);
    return outcome.value;
  }

  /** Asks for a move; its results, or the codes of its refusals, come in as time passes. */
  move(send: (asked: MoveAsk) => void): string[] {
    const results: string[] = [];
    const reply: MoveAsk['reply'] = (outcome) => results.push(outcome.ok ? outcome.value : outcome.rejection.code);
    send({ deadlineMs: this.now + 10_000, reply });
    return results;
  }

  async moved(send: (asked: MoveAsk) => void): Promise<string> {
    const results = this.move(send);
    await this.pass(50);
    expect(results).toHaveLength(1);
    return results[0] as string;
  }
}

export function codeOf(outcome: Outcome<unknown> | undefined): string {
  if (!outcome) return 'not answered';
  return outcome.ok ? 'accepted' : outcome.rejection.code;
}

/** Runs an effect now, to settle with what came of it later. */
function attempt<T>(effect: () => T): (resolve: (value: T) => void, reject: (error: unknown) => void) => void {
  try {
    const value = effect();
    return (resolve) => resolve(value);
  } catch (error) {
    return (_, reject) => reject(error);
  }
}
