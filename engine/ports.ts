/**
 * What the actors need of the world, as small interfaces. persistence/ and providers/ implement them over real
 * stores, persistence/memory/ in memory. Times are epoch milliseconds; ids are UUID strings.
 *
 * A promise that rejects means "no answer": the effect may or may not have happened. A refusal is a value.
 */
import type { Booking, BookingMove } from './booking.ts';
import type { Hash16, Hold, ReserveCommand, ZoneAnswer, ZoneCommand, ZoneCounters } from './zone.ts';

// ---- time, chance and turns: everything that is not a function of the messages

export interface Clock {
  now(): number;
}

export type Cancel = () => void;

export interface Timers {
  after(delayMs: number, run: () => void): Cancel;
}

export interface Ids {
  /** A UUID v7, so that ids sort by the time they were minted. */
  next(): string;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
}

/** Decides when an actor with waiting messages handles the next one. `done` is called after it was handled. */
export interface Turns {
  schedule(run: (done: () => void) => void): void;
}

/** The thread that all of it shares. */
export interface Thread {
  /** Milliseconds so far in which it worked, and in which it had nothing to do. */
  spent(): { readonly busyMs: number; readonly idleMs: number };
}

export interface World {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly ids: Ids;
  readonly random: Random;
  readonly turns: Turns;
  readonly thread: Thread;
}

// ---- the gate (Redis) and the truth (PostgreSQL) of a zone

/** The right to change a zone: a batch that does not carry the present three numbers is refused by both stores. */
export interface Lease {
  readonly eventId: string;
  readonly zoneId: string;
  /** Raised at each take-over: fences the owner before. */
  readonly epoch: number;
  /** Raised at each rebuild of the event's gate from the truth. */
  readonly generation: number;
}

/** The terms of sale that a zone's batches need. */
export interface ZoneTerms {
  readonly priceMinor: number;
  readonly currency: string;
  readonly maxPerUser: number;
}

export interface GateBatch {
  readonly lease: Lease;
  /** Batch counter of the zone before this batch. */
  readonly version: number;
  /** Makes a repeated call harmless: the record of the batch answers. */
  readonly batchId: string;
  /** Ids of batches that the truth holds by now: their records may go, and seats they gave back leave their users. */
  readonly settled: readonly string[];
  readonly maxPerUser: number;
  readonly nowMs: number;
  readonly commands: readonly ZoneCommand[];
}

/**
 * `stale`: the gate is not at this generation and version. `fenced`: another owner has a higher epoch.
 * In both cases nothing was changed.
 */
export type GateAnswer =
  | { readonly ok: true; readonly available: number; readonly held: number; readonly answers: readonly ZoneAnswer[] }
  | { readonly ok: false; readonly reason: 'stale' | 'fenced' };

/** What was found at a take-over: the gate's version, and the batches whose records are there. */
export type GateFound =
  | {
      readonly ok: true;
      readonly version: number;
      readonly recorded: readonly { readonly batchId: string; readonly version: number }[];
    }
  | { readonly ok: false; readonly reason: 'stale' | 'fenced' };

export interface Gate {
  apply(batch: GateBatch): Promise<GateAnswer>;
  /** Raises the zone's epoch in the gate and says what it found there. */
  acquire(lease: Lease): Promise<GateFound>;
  /** Takes the newest batch back, by its record. False when there is no such record. */
  undo(lease: Lease, batchId: string): Promise<boolean>;
  /** The live holds and counters of a zone, for the new owner's timers. */
  read(lease: Lease): Promise<{ readonly available: number; readonly held: number; readonly holds: readonly Hold[] }>;
  /** Whether the gate of the event was built at this generation and by the store as it runs now. */
  isBuilt(eventId: string, generation: number): Promise<boolean>;
  /** Replaces everything the gate knows of the event. The generation becomes valid with the last write. */
  rebuild(snapshot: EventSnapshot): Promise<void>;
}

/** Everything the gate must know of one event, read from the truth while no batch of the event can commit. */
export interface EventSnapshot {
  readonly eventId: string;
  readonly generation: number;
  readonly zones: readonly (ZoneCounters & {
    readonly zoneId: string;
    readonly epoch: number;
    readonly version: number;
  })[];
  /** Live holds, in chunks. */
  holds(): AsyncIterable<readonly (Hold & { readonly zoneId: string })[]>;
  /** Seats held and owned per user, in chunks. */
  users(): AsyncIterable<readonly { readonly userId: string; readonly seats: number }[]>;
  /** Keys used in the last 48 h, in chunks. */
  keys(): AsyncIterable<
    readonly {
      readonly key: Hash16;
      readonly fingerprint: Hash16;
      readonly bookingId: string;
      readonly createdAtMs: number;
    }[]
  >;
}

/** A batch as the truth takes it: only what the gate let through. */
export interface CommitBatch {
  readonly lease: Lease;
  readonly version: number;
  readonly terms: ZoneTerms;
  readonly nowMs: number;
  readonly made: readonly ReserveCommand[];
  readonly moved: readonly {
    readonly bookingId: string;
    readonly move: BookingMove;
    readonly expiresAtMs: number | null;
    readonly traceparent?: string | undefined;
  }[];
}

/**
 * `stale`: epoch, generation or version is not the zone's present one. `conflict`: a key or a status in the truth
 * contradicts the gate. In both cases nothing was changed.
 */
export type CommitAnswer = 'committed' | 'stale' | 'conflict';

/** What the truth says of a zone at its take-over. */
export interface Acquired {
  readonly lease: Lease;
  readonly version: number;
  /** The owner before: equal to the caller's own last epoch when nobody came between. */
  readonly previousEpoch: number;
  readonly terms: ZoneTerms;
}

export interface ZoneLedger {
  /** Raises the zone's epoch. Null: no such zone. */
  acquire(zoneId: string): Promise<Acquired | null>;
  commit(batch: CommitBatch): Promise<CommitAnswer>;
  /** The first 32 bits of every key that ever made a booking in the zone. */
  usedKeys(lease: Lease): Promise<readonly number[]>;
  /** Bookings that these keys made, for answers that the gate no longer remembers. */
  findByKeys(
    eventId: string,
    uses: readonly { readonly userId: string; readonly key: Hash16 }[],
  ): Promise<readonly KeyedBooking[]>;
  find(eventId: string, bookingId: string): Promise<Booking | null>;
  /**
   * Raises the event's gate generation and hands a frozen view of the event to `load`, unless `isBuilt` says that
   * somebody else has just done so. One at a time per event, over all nodes.
   */
  rebuild(
    eventId: string,
    isBuilt: (generation: number) => Promise<boolean>,
    load: (snapshot: EventSnapshot) => Promise<void>,
  ): Promise<void>;
}

export interface KeyedBooking extends Booking {
  readonly key: Hash16;
  readonly fingerprint: Hash16;
}

// ---- the journal of event-sourced actors

/** All events of one decision of one actor. */
export interface JournalRecord {
  readonly key: string;
  /** 1, 2, 3 … per key. */
  readonly seq: number;
  readonly events: readonly unknown[];
}

export interface Journal {
  read(key: string, afterSeq: number): Promise<readonly JournalRecord[]>;
  /** Durable when it resolves. Rejects when the number is taken: the caller is then a zombie and must stop. */
  append(record: JournalRecord): Promise<void>;
}

// ---- the sagas as others see them

/** What the reconciler sees of the sagas. */
export interface SagaView {
  /** Bookings whose saga should be moving and has not been written to since `beforeMs`. */
  unfinished(beforeMs: number, max: number): Promise<readonly string[]>;
  /** Bookings that wait for a payment although they were cancelled, or expired before `expiredBeforeMs`. */
  waitingInVain(
    expiredBeforeMs: number,
    max: number,
  ): Promise<readonly { readonly bookingId: string; readonly status: 'expired' | 'cancelled' }[]>;
  /** Bookings that wait for a payment and whose hold ends before `beforeMs`. */
  expiringUnpaid(beforeMs: number, max: number): Promise<readonly string[]>;
}
