/**
 * P1 and P6 in the gate: counters that can be right at any moment, and, when gate and truth are at the same version of
 * every zone, the very same seats, holds and totals as the bookings' rows.
 */
import { brokenCounters, type Finding, violation } from './audit.ts';
import type { Hold, ZoneCounters } from './zone.ts';

/** What the gate has of an event. Not built (absent, half built, or of another run of the store): it refuses all. */
export interface GateFacts {
  readonly built: boolean;
  readonly generation: number | null;
  readonly zones: ReadonlyMap<string, GateZone>;
  /** User → seats held and owned over all zones of the event. */
  readonly users: ReadonlyMap<string, number>;
}

/** A zone as both stores have it. */
export interface SharedZone extends ZoneCounters {
  readonly epoch: number;
  readonly version: number;
  readonly holds: ReadonlyMap<string, Hold>;
}

export interface GateZone extends SharedZone {
  /** User → seats that were given back, but count for their user until that is settled (docs/adr/0008). */
  readonly releases: ReadonlyMap<string, number>;
  /** Another one whenever a batch was applied, taken back or settled. */
  readonly mark: string;
}

/** The same things recomputed from bookings; `counters` as the zone's row has them, which P1 checks by itself. */
export interface TruthFacts {
  readonly eventId: string;
  readonly generation: number;
  readonly zones: ReadonlyMap<string, SharedZone>;
  readonly users: ReadonlyMap<string, number>;
}

/**
 * Only `level` stores can be compared. `in-flight`: versions moved while they were read. `uneven`: they stood still at
 * different versions: a batch is on its way to the truth, or was never acked and waits to be undone by the next owner.
 */
export type GateState = 'level' | 'not-built' | 'in-flight' | 'uneven';

/** How gate and truth stand to each other, when the gate was read before and after the truth. */
export function compareVersions(truth: TruthFacts, before: GateFacts, after: GateFacts): GateState {
  if (!before.built || !after.built) return 'not-built';
  if (truth.generation !== before.generation || truth.generation !== after.generation) return 'not-built';
  const ids = [...truth.zones.keys()];
  if (ids.some((id) => before.zones.get(id)?.mark !== after.zones.get(id)?.mark)) return 'in-flight';
  return ids.some((id) => truth.zones.get(id)?.version !== before.zones.get(id)?.version) ? 'uneven' : 'level';
}

/** Counters that no moment can explain. May be asked at any time, also under load. */
export function judgeGateCounters(gate: GateFacts): readonly Finding[] {
  return [...gate.zones].flatMap(([zoneId, zone]) => {
    const broken = brokenCounters(zone);
    return broken ? [violation('P1', zoneId, `zone ${zoneId} in the gate ${broken}`)] : [];
  });
}

/** To be asked of level stores only. */
export function judgeLevelGate(truth: TruthFacts, gate: GateFacts): readonly Finding[] {
  return [
    ...[...truth.zones].flatMap(([zoneId, zone]) => judgeGateZone(zoneId, zone, gate.zones.get(zoneId))),
    ...judgeUsers(truth, gate),
  ];
}

function judgeGateZone(zoneId: string, truth: SharedZone, gate: SharedZone | undefined): readonly Finding[] {
  const found = (sentence: string) => violation('P1', zoneId, `zone ${zoneId} ${sentence}`);
  if (!gate) return [found('is not in a gate that counts as built')];
  const findings: Finding[] = [];
  for (const name of ['capacity', 'available', 'held', 'sold', 'blocked'] as const)
    if (gate[name] !== truth[name])
      findings.push(found(`has ${gate[name]} ${name} in the gate, ${truth[name]} in truth`));
  if (gate.epoch > truth.epoch)
    findings.push(found(`has owner ${gate.epoch} in the gate, but the truth knows ${truth.epoch} only`));
  for (const [bookingId, hold] of truth.holds) {
    const there = gate.holds.get(bookingId);
    if (!there) findings.push(found(`has no hold in the gate for reserved booking ${bookingId}`));
    else if (!isSame(there, hold))
      findings.push(
        found(
          `has a hold in the gate that is not as reserved booking ${bookingId}: ${shown(there)} for ${shown(hold)}`,
        ),
      );
  }
  for (const bookingId of gate.holds.keys())
    if (!truth.holds.has(bookingId))
      findings.push(found(`has a hold in the gate for ${bookingId}, which is not reserved`));
  return findings;
}

function judgeUsers(truth: TruthFacts, gate: GateFacts): readonly Finding[] {
  const expected = new Map(truth.users);
  for (const zone of gate.zones.values())
    for (const [userId, seats] of zone.releases) expected.set(userId, (expected.get(userId) ?? 0) + seats);
  return [...new Set([...expected.keys(), ...gate.users.keys()])].flatMap((userId) => {
    const wanted = expected.get(userId) ?? 0;
    const counted = gate.users.get(userId) ?? 0;
    if (wanted === counted) return [];
    const sentence = `user ${userId} has ${wanted} seats of event ${truth.eventId}, the gate counts ${counted}`;
    return [violation('P6', userId, sentence)];
  });
}

function isSame(a: Hold, b: Hold): boolean {
  return a.userId === b.userId && a.quantity === b.quantity && a.expiresAtMs === b.expiresAtMs;
}

function shown(hold: Hold): string {
  return `${hold.quantity} seats of user ${hold.userId} until ${hold.expiresAtMs} ms`;
}
