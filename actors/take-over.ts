/**
 * Becoming the owner of a zone: the one way in which gate and truth are brought together again, used at start, after a
 * fail-over and after every doubt (a lost answer, a refused commit, a Redis that forgot).
 *
 * The epoch is raised in PostgreSQL first and in Redis second: after both, no batch of the owner before can change
 * either. Then the gate is ahead by recorded batches that were never acknowledged (they are taken back, newest first), or
 * level, or in disagreement (the event is rebuilt from the truth).
 */
import { type BookingMove, statusAfter } from '../engine/booking.ts';
import type { Acquired, Gate, GateFound, KeyedBooking, ZoneLedger } from '../engine/ports.ts';
import type { Hash16, Hold } from '../engine/zone.ts';

export interface Ownership extends Acquired {
  readonly available: number;
  readonly held: number;
  readonly holds: readonly Hold[];
  /** Batches that the truth holds and the gate still has records of. */
  readonly settled: readonly string[];
  /** First 32 bits of every key that made a booking here. */
  readonly usedKeys: readonly number[];
  /** What the truth says against the batch in doubt. */
  readonly objections: Objections;
}

/** The part of a batch that the gate lets through without knowing the booking: only the truth can say no to it. */
export interface Doubt {
  readonly eventId: string;
  readonly uses: readonly { readonly userId: string; readonly key: Hash16 }[];
  readonly moves: readonly { readonly bookingId: string; readonly move: BookingMove }[];
}

export interface Objections {
  /** Bookings that the keys in doubt have made. */
  readonly made: readonly KeyedBooking[];
  /** Bookings that are in no state for the move in doubt. */
  readonly immovable: ReadonlySet<string>;
}

/** More tries than this find the event being rebuilt over and over: better to start again later. */
const triesMax = 5;

/**
 * Null when there is no such zone. `doubt` tells of a batch that the truth refused as contradicting it: when nothing in
 * it explains the contradiction, the gate itself is not to be trusted and is rebuilt.
 */
export async function takeOver(
  zoneId: string,
  stores: { readonly gate: Gate; readonly ledger: ZoneLedger },
  doubt: Doubt | null,
): Promise<Ownership | null> {
  const { gate, ledger } = stores;
  const objections = await findObjections(ledger, doubt);
  let distrusted = doubt !== null && objections.made.length === 0 && objections.immovable.size === 0;
  /** The generation at which the gate did not know the zone. */
  let absentAt: number | null = null;
  let last: { readonly epoch: number; readonly previousEpoch: number } | null = null;
  for (let tries = 0; tries < triesMax; tries++) {
    const acquired = await ledger.acquire(zoneId);
    if (!acquired) return null;
    const { lease } = acquired;
    // Somebody may have come between two of these tries, too.
    const undisturbed: boolean = acquired.previousEpoch === last?.epoch;
    const previousEpoch: number = undisturbed && last ? last.previousEpoch : acquired.previousEpoch;
    last = { epoch: lease.epoch, previousEpoch };
    const found = await gate.acquire(lease);
    if (!found.ok && found.reason === 'fenced') throw new Error(`zone ${zoneId} was taken over by another owner`);
    if (found.ok && !distrusted && (await makeLevel(gate, acquired, found))) {
      const settled = found.recorded.filter((batch) => batch.version < acquired.version).map((batch) => batch.batchId);
      const [view, usedKeys] = await Promise.all([gate.read(lease), ledger.usedKeys(lease)]);
      return { ...acquired, ...view, previousEpoch, settled, usedKeys, objections };
    }
    distrusted = false;
    // A gate without a trace of our generation may be under construction: two zones of an event that each began anew
    // then would take the gate from each other for ever. Only one that is there and wrong, or wrong twice, is rebuilt.
    const mayBeUnderWay = !found.ok && absentAt !== lease.generation;
    if (!found.ok) absentAt = lease.generation;
    const rebuiltMeanwhile = async (generation: number) =>
      (mayBeUnderWay || generation !== lease.generation) && (await gate.isBuilt(lease.eventId, generation));
    await ledger.rebuild(lease.eventId, rebuiltMeanwhile, (snapshot) => gate.rebuild(snapshot));
  }
  throw new Error(`zone ${zoneId}: gate and truth could not be brought together in ${triesMax} tries`);
}

async function findObjections(ledger: ZoneLedger, doubt: Doubt | null): Promise<Objections> {
  if (!doubt) return { made: [], immovable: new Set() };
  const made = await ledger.findByKeys(doubt.eventId, doubt.uses);
  const immovable = new Set<string>();
  for (const { bookingId, move } of doubt.moves) {
    const booking = await ledger.find(doubt.eventId, bookingId);
    if (!booking || statusAfter(booking.status, move) === null) immovable.add(bookingId);
  }
  return { made, immovable };
}

/** Takes back what the gate has and the truth has not. False when their histories do not fit. */
async function makeLevel(gate: Gate, acquired: Acquired, found: Extract<GateFound, { ok: true }>): Promise<boolean> {
  let version = found.version;
  while (version > acquired.version) {
    const newest = found.recorded.find((batch) => batch.version === version - 1);
    if (!newest || !(await gate.undo(acquired.lease, newest.batchId))) return false;
    version--;
  }
  return version === acquired.version;
}
