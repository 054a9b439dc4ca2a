/** The truth's half of rebuilding an event's gate, in memory: one at a time per event, generation first, then a view. */
import type { EventSnapshot, ZoneLedger } from '../../engine/ports.ts';
import type { Tables } from './ledger.ts';
import type { Wire } from './wire.ts';

const keysLiveMs = 48 * 3_600_000;

export function rebuildEvent(tables: Tables, now: () => number, wire: Wire): ZoneLedger['rebuild'] {
  /** Resolves when the rebuild before has ended, whatever came of it. */
  const turns = new Map<string, Promise<unknown>>();
  return (eventId, isBuilt, load) => {
    const turn = (turns.get(eventId) ?? Promise.resolve()).then(async () => {
      const generation = await wire('ledger.generation', () => tables.generations.get(eventId) ?? 0);
      if (await isBuilt(generation)) return;
      const raised = await wire('ledger.raise', () => raiseGeneration(tables, eventId));
      await load(
        await wire('ledger.snapshot', () => openSnapshot(tables, { eventId, generation: raised, nowMs: now() })),
      );
    });
    turns.set(
      eventId,
      turn.catch(() => {}),
    );
    return turn;
  };
}

function raiseGeneration({ generations, zones }: Tables, eventId: string): number {
  const generation = (generations.get(eventId) ?? 0) + 1;
  generations.set(eventId, generation);
  for (const zone of zones.values()) if (zone.eventId === eventId) zones.set(zone.zoneId, { ...zone, generation });
  return generation;
}

interface View {
  readonly eventId: string;
  readonly generation: number;
  readonly nowMs: number;
}

function openSnapshot(tables: Tables, { eventId, generation, nowMs }: View): EventSnapshot {
  const bookings = [...tables.bookings.values()].filter((booking) => booking.eventId === eventId);
  const zones = [...tables.zones.values()].filter((zone) => zone.eventId === eventId);
  const seatsOf = new Map<string, number>();
  for (const { userId, quantity, status } of bookings)
    if (status === 'reserved' || status === 'confirmed') seatsOf.set(userId, (seatsOf.get(userId) ?? 0) + quantity);
  return {
    eventId,
    generation,
    zones: zones.map(({ zoneId, epoch, version, capacity, available, held, sold, blocked }) => ({
      zoneId,
      epoch,
      version,
      capacity,
      available,
      held,
      sold,
      blocked,
    })),
    holds: () =>
      oneChunk(
        bookings
          .filter(({ status }) => status === 'reserved')
          .map(({ zoneId, bookingId, userId, quantity, expiresAtMs }) => ({
            zoneId,
            bookingId,
            userId,
            quantity,
            expiresAtMs,
          })),
      ),
    users: () => oneChunk([...seatsOf].map(([userId, seats]) => ({ userId, seats }))),
    keys: () =>
      oneChunk(
        bookings
          .filter(({ createdAtMs }) => createdAtMs > nowMs - keysLiveMs)
          .map(({ key, fingerprint, bookingId, createdAtMs }) => ({ key, fingerprint, bookingId, createdAtMs })),
      ),
  };
}

async function* oneChunk<T>(items: T[]): AsyncIterable<T[]> {
  if (items.length > 0) yield items;
}
