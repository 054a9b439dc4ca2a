/** A ledger on the bench: what the contract needs of the store behind it, and short ways to say things to it. */
import { expect } from 'vitest';
import type { BookingMove } from '../../engine/booking.ts';
import type { DomainEvent } from '../../engine/events.ts';
import type { Acquired, CommitAnswer, CommitBatch, ZoneLedger, ZoneTerms } from '../../engine/ports.ts';
import type { ReserveCommand, ZoneCounters } from '../../engine/zone.ts';
import { newId, reserveCommand } from './event-sample.ts';

export interface LedgerUnderTest {
  readonly ledger: ZoneLedger;
  addZone(zone: { readonly eventId: string; readonly zoneId: string; readonly capacity: number }): Promise<void>;
  counters(zoneId: string): Promise<ZoneCounters & { readonly version: number }>;
  /** Every batch's events of the event, oldest first. */
  told(eventId: string): Promise<readonly (readonly DomainEvent[])[]>;
}

/** What every zone of the contract is sold at. */
export const terms: ZoneTerms = { priceMinor: 250_000, currency: 'THB', maxPerUser: 10 };

/** Whole seconds of today: PostgreSQL's own clock decides which keys are young enough. */
export const todayMs = Math.floor(Date.now() / 1_000) * 1_000;

export type Move = CommitBatch['moved'][number];

export function moveOf(bookingId: string, move: BookingMove, expiresAtMs: number | null = null): Move {
  return { bookingId, move, expiresAtMs };
}

export function bookingCommand(changes: Partial<ReserveCommand> = {}): ReserveCommand {
  return reserveCommand({ expiresAtMs: todayMs + 600_000, ...changes });
}

/** One zone and its present owner, who knows the next version. */
export class ZoneOfTest {
  readonly #store: LedgerUnderTest;
  readonly acquired: Acquired;
  version: number;

  private constructor(store: LedgerUnderTest, acquired: Acquired) {
    this.#store = store;
    this.acquired = acquired;
    this.version = acquired.version;
  }

  static async open(store: LedgerUnderTest, capacity: number, eventId = newId()): Promise<ZoneOfTest> {
    const zoneId = newId();
    await store.addZone({ eventId, zoneId, capacity });
    return ZoneOfTest.acquire(store, zoneId);
  }

  static async acquire(store: LedgerUnderTest, zoneId: string): Promise<ZoneOfTest> {
    const acquired = await store.ledger.acquire(zoneId);
    if (!acquired) throw new Error('no such zone');
    return new ZoneOfTest(store, acquired);
  }

  get lease() {
    return this.acquired.lease;
  }

  batch(made: readonly ReserveCommand[], moved: readonly Move[] = []): CommitBatch {
    return { lease: this.lease, version: this.version, terms, nowMs: todayMs, made, moved };
  }

  /** Commits the next batch, and counts it when it was taken. */
  async commit(made: readonly ReserveCommand[], moved: readonly Move[] = []): Promise<CommitAnswer> {
    const answer = await this.#store.ledger.commit(this.batch(made, moved));
    if (answer === 'committed') this.version++;
    return answer;
  }

  async committed(made: readonly ReserveCommand[], moved: readonly Move[] = []): Promise<void> {
    expect(await this.commit(made, moved)).toBe('committed');
  }

  async reserved(changes: Partial<ReserveCommand> = {}): Promise<ReserveCommand> {
    const command = bookingCommand(changes);
    await this.committed([command]);
    return command;
  }

  async find(bookingId: string) {
    return this.#store.ledger.find(this.lease.eventId, bookingId);
  }

  /** Everything that a batch could change, to compare before with after. */
  async state(...bookingIds: string[]) {
    const bookings = await Promise.all(bookingIds.map((id) => this.find(id)));
    const counters = await this.#store.counters(this.lease.zoneId);
    return { counters, bookings, told: await this.#store.told(this.lease.eventId) };
  }
}
