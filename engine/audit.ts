/**
 * The audit: what must be true of a sale (SPEC §0), judged from facts that others read. Pure, and strict: a judge never
 * takes a counter's word for what the bookings' rows can say.
 *
 * It owns the promises that one booking, zone or user can break alone. Money is judged in audit-money.ts, the gate
 * in audit-gate.ts, the order of a waiting room in fairness.ts.
 */
import { type BookingStatus, statusAfter, transitions } from './booking.ts';
import type { ZoneCounters } from './zone.ts';

/** The promises that the audit can check from outside, with the claim that a report prints. */
export const promises = {
  P1: 'never oversold: rows, counters and gate agree',
  P2: 'acked means durable: every acked booking is there',
  P3: 'charged at most once, and never for nothing',
  P4: 'once per key',
  P5: 'first come, first served: the log of each waiting room proves its order',
  P6: 'no user is over the limit',
  P7: 'nothing dropped: every change was told, in order',
} as const;

export type PromiseName = keyof typeof promises;

/** `under-way`: not as it must end, but young enough that the saga or the relay may still be at it. */
export interface Finding {
  readonly promise: PromiseName;
  readonly kind: 'violation' | 'under-way';
  /** Of the booking, zone, user or event in question. */
  readonly subject: string;
  readonly sentence: string;
}

export interface AuditReport {
  readonly clean: boolean;
  /** RFC 3339: when the facts were read. */
  readonly at: string;
  readonly checks: readonly {
    readonly promise: PromiseName;
    readonly claim: string;
    /** Zones, bookings, users … that were looked at. Zero means that nothing was proved. */
    readonly examined: number;
    readonly violations: number;
    readonly pending: number;
  }[];
  /** Violations first; at most `findingsMax` of a promise. */
  readonly findings: readonly Finding[];
  /** What a reader must know to trust the report: what was not compared, what waits, what is parked. */
  readonly notes: readonly string[];
}

export interface Verdict {
  /** So many more things were looked at. */
  examined(promise: PromiseName, count: number): void;
  take(findings: readonly Finding[]): void;
  note(sentence: string): void;
  /** `at`: RFC 3339. */
  report(at: string): AuditReport;
}

interface Tally {
  examined: number;
  readonly counts: Record<Finding['kind'], number>;
}

const newTally = (): Tally => ({ examined: 0, counts: { violation: 0, 'under-way': 0 } });

/** Gathers findings; counts all of them, keeps `findingsMax` of each promise and kind. */
export function openVerdict(findingsMax = 100): Verdict {
  const notes: string[] = [];
  const kept: Finding[] = [];
  const names = Object.keys(promises) as PromiseName[];
  const tallies: Record<PromiseName, Tally> = {
    P1: newTally(),
    P2: newTally(),
    P3: newTally(),
    P4: newTally(),
    P5: newTally(),
    P6: newTally(),
    P7: newTally(),
  };
  return {
    examined(promise, count) {
      tallies[promise].examined += count;
    },
    take(findings) {
      for (const finding of findings) {
        const { counts } = tallies[finding.promise];
        if (counts[finding.kind]++ < findingsMax) kept.push(finding);
      }
    },
    note: (sentence) => void notes.push(sentence),
    report: (at) => ({
      clean: names.every((promise) => tallies[promise].counts.violation === 0),
      at,
      checks: names.map((promise) => ({
        promise,
        claim: promises[promise],
        examined: tallies[promise].examined,
        violations: tallies[promise].counts.violation,
        pending: tallies[promise].counts['under-way'],
      })),
      findings: (['violation', 'under-way'] as const).flatMap((kind) =>
        names.flatMap((promise) => kept.filter((finding) => finding.promise === promise && finding.kind === kind)),
      ),
      notes,
    }),
  };
}

export function violation(promise: PromiseName, subject: string, sentence: string): Finding {
  return { promise, kind: 'violation', subject, sentence };
}

// ---- P1: zones

/** A zone's row beside what its bookings add up to. `row` null: there are bookings of a zone that does not exist. */
export interface ZoneFacts {
  readonly zoneId: string;
  readonly name: string;
  readonly row: ZoneCounters | null;
  /** Seats of reserved bookings. */
  readonly held: number;
  /** Seats of confirmed bookings. */
  readonly sold: number;
}

export function judgeZone({ zoneId, name, row, held, sold }: ZoneFacts): readonly Finding[] {
  const found = (sentence: string) => violation('P1', zoneId, `zone ${name} (${zoneId}) ${sentence}`);
  if (!row) return [found(`does not exist, but bookings hold ${held} and own ${sold} seats of it`)];
  const findings: Finding[] = [];
  if (row.held !== held) findings.push(found(`counts ${row.held} held seats, its reserved bookings have ${held}`));
  if (row.sold !== sold) findings.push(found(`counts ${row.sold} sold seats, its confirmed bookings have ${sold}`));
  if (held + sold > row.capacity - row.blocked)
    findings.push(found(`is oversold: ${held} held + ${sold} sold of ${row.capacity - row.blocked} seats`));
  const broken = brokenCounters(row);
  return broken ? [...findings, found(broken)] : findings;
}

/** Why counters cannot be right, whatever the bookings say; null when they can. */
export function brokenCounters({ capacity, available, held, sold, blocked }: ZoneCounters): string | null {
  const sum = `${available} available + ${held} held + ${sold} sold + ${blocked} blocked`;
  if (Math.min(available, held, sold, blocked) < 0) return `has a negative counter: ${sum}`;
  return available + held + sold + blocked === capacity ? null : `is not conserved: ${sum} is not ${capacity}`;
}

// ---- P2: what clients were told

/** One answer of ours, as a client wrote it down. */
export interface AckedBooking {
  readonly bookingId: string;
  readonly userId: string;
  readonly eventId: string;
  readonly zoneId: string;
  readonly quantity: number;
  readonly status: 'reserved' | 'confirmed' | 'cancelled';
  /** The idempotency key that it was reserved with, where the client noted it. */
  readonly key: string | null;
}

/** What a booking may have become since it was acked. */
const reachable: Readonly<Record<AckedBooking['status'], readonly BookingStatus[]>> = {
  reserved: ['reserved', 'confirmed', 'cancelled', 'expired', 'refunded'],
  confirmed: ['confirmed', 'refunded'],
  cancelled: ['cancelled', 'refunded'],
};

export interface StoredBooking {
  readonly bookingId: string;
  readonly userId: string;
  readonly zoneId: string;
  readonly quantity: number;
  readonly status: BookingStatus;
}

export function judgeAcked(acked: AckedBooking, stored: StoredBooking | null): readonly Finding[] {
  const { bookingId, userId, zoneId, quantity, status } = acked;
  const found = (sentence: string) => violation('P2', bookingId, `booking ${bookingId} ${sentence}`);
  if (!stored) return [found(`of user ${userId} was acked as ${status} and is not there`)];
  const findings: Finding[] = [];
  if (stored.userId !== userId || stored.zoneId !== zoneId || stored.quantity !== quantity)
    findings.push(
      found(
        `was acked as ${quantity} seats of zone ${zoneId} for user ${userId}, ` +
          `but is ${stored.quantity} of ${stored.zoneId} for ${stored.userId}`,
      ),
    );
  if (!reachable[status].includes(stored.status))
    findings.push(found(`was acked as ${status}, but is ${stored.status}`));
  return findings;
}

/** P4 by the clients' own notes: one key of one user and event never got two bookings. */
export function judgeAckedKeys(acked: readonly AckedBooking[]): readonly Finding[] {
  const bookingOf = new Map<string, string>();
  const findings: Finding[] = [];
  for (const { bookingId, userId, eventId, key } of acked) {
    if (key === null) continue;
    const use = `${userId} ${eventId} ${key}`;
    const first = bookingOf.get(use) ?? bookingId;
    bookingOf.set(use, first);
    if (first !== bookingId)
      findings.push(
        violation('P4', bookingId, `key ${key} of user ${userId} was answered with booking ${first} and ${bookingId}`),
      );
  }
  return findings;
}

// ---- P4 and P6: users

export interface RepeatedKey {
  readonly userId: string;
  readonly eventId: string;
  readonly bookingIds: readonly string[];
}

export function judgeRepeatedKey({ userId, eventId, bookingIds }: RepeatedKey): Finding {
  const sentence = `one key of user ${userId} made ${bookingIds.length} bookings of event ${eventId}: ${bookingIds.join(', ')}`;
  return violation('P4', bookingIds[0] ?? userId, sentence);
}

export interface UserSeats {
  readonly userId: string;
  readonly eventId: string;
  readonly seats: number;
  readonly maxPerUser: number;
}

export function judgeUser({ userId, eventId, seats, maxPerUser }: UserSeats): readonly Finding[] {
  if (seats <= maxPerUser) return [];
  return [violation('P6', userId, `user ${userId} has ${seats} seats of event ${eventId}, the limit is ${maxPerUser}`)];
}

// ---- P7: what was told

/** All bookings with the same status and the same events, in the order in which these were told. */
export interface Story {
  /** Null: events were told of bookings that do not exist. */
  readonly status: BookingStatus | null;
  readonly types: readonly string[];
  /** False when an id is not the one that follows from type and booking, so that consumers cannot tell repetitions. */
  readonly wellNamed: boolean;
  readonly bookings: number;
  /** A few of them. */
  readonly examples: readonly string[];
}

const eventOf: Readonly<Record<BookingStatus, string>> = {
  reserved: 'booking.created',
  confirmed: 'booking.confirmed',
  cancelled: 'booking.cancelled',
  expired: 'booking.expired',
  refunded: 'booking.refunded',
};

export function judgeStory({ status, types, wellNamed, bookings, examples }: Story): readonly Finding[] {
  const [example = ''] = examples;
  const found = (sentence: string) => {
    const who = bookings === 1 ? `booking ${example}` : `${bookings} bookings such as ${examples.join(', ')}`;
    return [
      violation('P7', example, `${who} ${sentence} (${status ?? 'absent'}; told: ${types.join(', ') || 'nothing'})`),
    ];
  };
  if (status === null) return found('was told of, but is not there');
  if (!wellNamed) return found('was told of under an id that does not follow from the event');
  if (types[0] !== 'booking.created') return found('was not told of as created first');
  const told = types.map((type) => (Object.keys(eventOf) as BookingStatus[]).find((key) => eventOf[key] === type));
  if (told.at(-1) !== status) return found('was not told of as what it is');
  const next = (from: BookingStatus, to: BookingStatus) =>
    (Object.keys(transitions) as (keyof typeof transitions)[]).some((move) => statusAfter(from, move) === to);
  const illegal = told.some((to, i) => i > 0 && !next(told[i - 1] ?? status, to ?? status));
  return illegal || new Set(types).size < types.length ? found('has an impossible or repeated event') : [];
}
