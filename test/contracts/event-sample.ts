/** What the contract tests say to a gate: ids, commands and batches with everything left out that a test is not about. */
import { createHash, randomUUID } from 'node:crypto';
import type { EventSnapshot, GateBatch, Lease } from '../../engine/ports.ts';
import type { Hash16, Hold, ReserveCommand, ZoneCommand, ZoneCounters } from '../../engine/zone.ts';

export const newId = (): string => randomUUID();

export function hashOf(text: string): Hash16 {
  return createHash('md5').update(text).digest('hex');
}

/** Noon of a day, so that a test which does not care about midnight never meets it. */
export const noonMs = Date.parse('2027-03-01T12:00:00.000Z');

export function reserveCommand(changes: Partial<ReserveCommand> = {}): ReserveCommand {
  const bookingId = newId();
  return {
    kind: 'reserve',
    bookingId,
    userId: newId(),
    key: hashOf(`key ${bookingId}`),
    fingerprint: hashOf('body'),
    quantity: 1,
    expiresAtMs: noonMs + 600_000,
    ...changes,
  };
}

export function batchOf(lease: Lease, version: number, commands: readonly ZoneCommand[]): GateBatch {
  return { lease, version, batchId: newId(), settled: [], maxPerUser: 10, nowMs: noonMs, commands };
}

export function countersOf(capacity: number): ZoneCounters {
  return { capacity, available: capacity, held: 0, sold: 0, blocked: 0 };
}

export interface SnapshotParts {
  readonly eventId: string;
  readonly generation: number;
  readonly zones: EventSnapshot['zones'];
  readonly holds?: readonly (Hold & { readonly zoneId: string })[];
  readonly users?: readonly { readonly userId: string; readonly seats: number }[];
  readonly keys?: readonly {
    readonly key: Hash16;
    readonly fingerprint: Hash16;
    readonly bookingId: string;
    readonly createdAtMs: number;
  }[];
}

export function snapshotOf({ holds = [], users = [], keys = [], ...rest }: SnapshotParts): EventSnapshot {
  return { ...rest, holds: () => oneChunk(holds), users: () => oneChunk(users), keys: () => oneChunk(keys) };
}

async function* oneChunk<T>(items: readonly T[]): AsyncIterable<readonly T[]> {
  if (items.length > 0) yield items;
}
