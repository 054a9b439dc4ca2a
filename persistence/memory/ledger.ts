/**
 * The truth in memory: zones, bookings and outbox with the rules of persistence/postgres (all of a batch or nothing,
 * one booking a key, seats conserved), so that a simulation can lose its answers.
 */
import { statusAfter, transitions } from '../../engine/booking.ts';
import type { DomainEvent } from '../../engine/events.ts';
import type { Acquired, CommitAnswer, CommitBatch, KeyedBooking, ZoneLedger, ZoneTerms } from '../../engine/ports.ts';
import type { Hash16, ZoneCounters } from '../../engine/zone.ts';
import { eventsOfBatch } from '../batch-events.ts';
import { rebuildEvent } from './rebuild.ts';
import { direct, type Wire } from './wire.ts';

export interface ZoneRow extends ZoneCounters {
  readonly eventId: string;
  readonly zoneId: string;
  readonly terms: ZoneTerms;
  readonly epoch: number;
  readonly generation: number;
  readonly version: number;
}

/** The tables. A batch replaces rows, so that nobody who reads sees half of it. */
export interface Tables {
  readonly generations: Map<string, number>;
  readonly zones: Map<string, ZoneRow>;
  readonly bookings: Map<string, KeyedBooking>;
  /** The unique index: a use of a key → the booking that it made. */
  readonly uses: Map<string, string>;
  /** One entry a batch. */
  readonly outbox: (readonly DomainEvent[])[];
}

export interface MemoryLedger extends ZoneLedger {
  readonly tables: Tables;
  addZone(zone: { readonly eventId: string; readonly zoneId: string; readonly capacity: number } & ZoneTerms): void;
}

export function createMemoryLedger(now: () => number, wire: Wire = direct): MemoryLedger {
  const tables: Tables = { generations: new Map(), zones: new Map(), bookings: new Map(), uses: new Map(), outbox: [] };
  return {
    tables,
    addZone: ({ eventId, zoneId, capacity, ...terms }) => {
      if (!tables.generations.has(eventId)) tables.generations.set(eventId, 0);
      const counters = { capacity, available: capacity, held: 0, sold: 0, blocked: 0 };
      tables.zones.set(zoneId, { eventId, zoneId, terms, epoch: 0, generation: 0, version: 0, ...counters });
    },
    acquire: (zoneId) => wire('ledger.acquire', () => acquire(tables, zoneId)),
    commit: (batch) => wire('ledger.commit', () => commit(tables, batch)),
    usedKeys: ({ zoneId }) =>
      wire('ledger.usedKeys', () =>
        [...tables.bookings.values()]
          .filter((booking) => booking.zoneId === zoneId)
          .map(({ key }) => Number.parseInt(key.slice(0, 8), 16)),
      ),
    findByKeys: (eventId, uses) =>
      wire('ledger.findByKeys', () =>
        uses.flatMap(
          ({ userId, key }) => tables.bookings.get(tables.uses.get(useOf(eventId, userId, key)) ?? '') ?? [],
        ),
      ),
    find: (eventId, bookingId) =>
      wire('ledger.find', () => {
        const booking = tables.bookings.get(bookingId);
        return booking?.eventId === eventId ? booking : null;
      }),
    rebuild: rebuildEvent(tables, now, wire),
  };
}

function useOf(eventId: string, userId: string, key: Hash16): string {
  return `${eventId} ${userId} ${key}`;
}

function acquire({ zones }: Tables, zoneId: string): Acquired | null {
  const zone = zones.get(zoneId);
  if (!zone) return null;
  const { eventId, generation, version, terms, epoch: previousEpoch } = zone;
  const epoch = previousEpoch + 1;
  zones.set(zoneId, { ...zone, epoch });
  return { lease: { eventId, zoneId, epoch, generation }, version, previousEpoch, terms };
}

function commit(tables: Tables, batch: CommitBatch): CommitAnswer {
  const zone = tables.zones.get(batch.lease.zoneId);
  if (!zone || !isPresent(zone, batch)) return 'stale';
  const made = madeBy(batch);
  const uses = new Map(made.map(({ eventId, userId, key, bookingId }) => [useOf(eventId, userId, key), bookingId]));
  if (uses.size < made.length || [...uses.keys()].some((use) => tables.uses.has(use))) return 'conflict';
  const moved = movedBy(tables, batch);
  if (!moved) return 'conflict';
  const counters = shifted(zone, made, moved);
  if (counters.available < 0 || counters.held < 0 || counters.sold < 0) return 'conflict';
  for (const booking of [...made, ...moved.map(({ after }) => after)]) tables.bookings.set(booking.bookingId, booking);
  for (const [use, bookingId] of uses) tables.uses.set(use, bookingId);
  tables.zones.set(zone.zoneId, { ...zone, ...counters, version: batch.version + 1 });
  const events = eventsOfBatch(batch);
  if (events.length > 0) tables.outbox.push(events);
  return 'committed';
}

function isPresent(zone: ZoneRow, { lease, version }: CommitBatch): boolean {
  const { eventId, epoch, generation } = lease;
  return zone.eventId === eventId && zone.epoch === epoch && zone.generation === generation && zone.version === version;
}

function madeBy({ lease, terms, nowMs, made }: CommitBatch): KeyedBooking[] {
  return made.map(({ kind: _, ...command }) => ({
    ...command,
    eventId: lease.eventId,
    zoneId: lease.zoneId,
    amountMinor: command.quantity * terms.priceMinor,
    currency: terms.currency,
    status: 'reserved',
    createdAtMs: nowMs,
    firstExpiresAtMs: command.expiresAtMs,
    changedAtMs: null,
  }));
}

interface Moved {
  readonly move: keyof typeof transitions;
  readonly after: KeyedBooking;
}

/** Null when a booking is not there, of another zone, or not in a status that allows its move. */
function movedBy({ bookings }: Tables, { lease, moved, nowMs }: CommitBatch): Moved[] | null {
  const results: Moved[] = [];
  for (const { bookingId, move, expiresAtMs } of moved) {
    const before = bookings.get(bookingId);
    const status = before && statusAfter(before.status, move);
    if (!before || !status || before.zoneId !== lease.zoneId) return null;
    const changedAtMs = status === before.status ? before.changedAtMs : nowMs;
    const expiry = expiresAtMs === null ? {} : { expiresAtMs };
    results.push({ move, after: { ...before, status, changedAtMs, ...expiry } });
  }
  return results;
}

function shifted(zone: ZoneRow, made: readonly KeyedBooking[], moved: readonly Moved[]) {
  const seats = made.reduce((sum, { quantity }) => sum + quantity, 0);
  const counters = { available: zone.available - seats, held: zone.held + seats, sold: zone.sold };
  for (const { move, after } of moved) {
    const { shift } = transitions[move];
    counters.available += shift.available * after.quantity;
    counters.held += shift.held * after.quantity;
    counters.sold += shift.sold * after.quantity;
  }
  return counters;
}
