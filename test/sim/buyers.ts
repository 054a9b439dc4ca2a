/** Who asks the zones of a simulated sale, and what they must find true of the answers they got. */
import { createHash } from 'node:crypto';
import type { Reply } from '../../actors/kit.ts';
import {
  cancel,
  confirm,
  extend,
  type Moved,
  type Reservation,
  reacquire,
  reserve,
  writeOff,
  type ZoneAddress,
} from '../../actors/zone-requests.ts';
import type { BookingStatus } from '../../engine/booking.ts';
import type { Outcome } from '../../engine/outcome.ts';
import type { KeyedBooking } from '../../engine/ports.ts';
import { holdTtlMs, type Sale } from './stage.ts';

interface Asked<T> {
  readonly what: string;
  readonly deadlineMs: number;
  /** Its place in the order of all questions and answers. */
  readonly place: number;
  readonly replies: { readonly outcome: Outcome<T>; readonly place: number; readonly atMs: number }[];
}

interface AskedReserve extends Asked<Reservation> {
  readonly key: string;
  readonly fingerprint: string;
}

type Move = 'confirm' | 'cancel' | 'extend' | 'reacquire' | 'write-off';

interface AskedMove extends Asked<Moved> {
  readonly move: Move;
  readonly bookingId: string;
}

const usersMax = 5;
/** How long after its deadline a request may be answered: calls are slow at times, and crashed actors come back late. */
const patienceMs = 1_000;

/** Where a booking may be after its move was acknowledged: moves that come later are allowed to go on from there. */
const reachable: Readonly<Record<Move, readonly BookingStatus[]>> = {
  confirm: ['confirmed'],
  reacquire: ['confirmed'],
  cancel: ['cancelled', 'refunded'],
  'write-off': ['refunded'],
  extend: ['reserved', 'confirmed', 'cancelled', 'expired', 'refunded'],
};

export class Buyers {
  readonly #sale: Sale;
  readonly #zones: readonly ZoneAddress[];
  readonly #reserves: AskedReserve[] = [];
  readonly #moves: AskedMove[] = [];
  #places = 0;

  constructor(sale: Sale, zones: readonly ZoneAddress[]) {
    this.#sale = sale;
    this.#zones = zones;
  }

  /** Has `count` requests arrive within `withinMs`, now and then many at one moment. */
  come(count: number, withinMs: number): void {
    const { world } = this.#sale;
    let atMs = withinMs * world.random.next();
    for (let n = 0; n < count; n++) {
      if (world.random.next() < 0.6) atMs = withinMs * world.random.next();
      world.later(atMs, 'request', () => (world.random.next() < 0.6 ? this.#reserve() : this.#move()));
    }
  }

  #reserve(): void {
    const user = this.#below(usersMax);
    const quantity = 1 + this.#below(3);
    const zone = this.#below(2);
    const userId = userIdOf(user);
    const key = digest(`${user} ${this.#below(12)}`);
    // Six bodies a key: some repetitions are honest.
    const fingerprint = digest(`${zone} ${quantity}`);
    const what = `reserve ${quantity} of ${zone} by ${user}`;
    const deadlineMs = this.#deadline();
    const asked: AskedReserve = { what, deadlineMs, place: this.#places++, replies: [], key, fingerprint };
    this.#reserves.push(asked);
    const reply = this.#replyTo(asked);
    reserve(this.#zone(zone), { userId, key, fingerprint, quantity, deadlineMs, reply });
  }

  #move(): void {
    const { world, ledger, zoneIds } = this.#sale;
    const bookings = [...ledger.tables.bookings.values()];
    const booking = bookings[this.#below(bookings.length)];
    if (!booking) return;
    const move = this.#moveFor(booking);
    const { bookingId, userId, quantity } = booking;
    const what = `${move} ${bookingId}`;
    const deadlineMs = this.#deadline();
    const asked: AskedMove = { what, deadlineMs, place: this.#places++, replies: [], move, bookingId };
    this.#moves.push(asked);
    const zone = this.#zone(zoneIds.indexOf(booking.zoneId));
    const ask = { deadlineMs, reply: this.#replyTo(asked) };
    if (move === 'confirm') confirm(zone, bookingId, ask);
    else if (move === 'cancel') cancel(zone, bookingId, ask);
    else if (move === 'extend') extend(zone, { bookingId, expiresAtMs: world.clock.now() + holdTtlMs }, ask);
    else if (move === 'reacquire') reacquire(zone, { bookingId, userId, quantity }, ask);
    else writeOff(zone, bookingId, ask);
  }

  /** What somebody who looks at the booking now would ask for; it may be over by the time it is judged. */
  #moveFor({ status }: KeyedBooking): Move {
    const chance = this.#sale.world.random.next();
    if (chance < 0.1) return 'confirm';
    if (status === 'reserved') return chance < 0.5 ? 'confirm' : chance < 0.75 ? 'cancel' : 'extend';
    return chance < 0.7 ? 'reacquire' : 'write-off';
  }

  #replyTo<T>({ what, replies }: Asked<T>): Reply<T> {
    const { world, tally } = this.#sale;
    return (outcome) => {
      replies.push({ outcome, place: this.#places++, atMs: world.clock.now() });
      const said = outcome.ok ? JSON.stringify(outcome.value) : outcome.rejection.code;
      world.note(`${what}: ${said}`);
      tally.add(`${what.split(' ', 1)}: ${resultOf(outcome)}`);
    };
  }

  #deadline(): number {
    const { world } = this.#sale;
    return world.clock.now() + 20 + 800 * world.random.next();
  }

  #below(max: number): number {
    return Math.floor(max * this.#sale.world.random.next());
  }

  #zone(index: number): ZoneAddress {
    return this.#zones[index] as ZoneAddress;
  }

  /** What is wrong with the answers, when everything has come to rest. */
  check(): string[] {
    const all: readonly Asked<unknown>[] = [...this.#reserves, ...this.#moves];
    const unanswered = all
      .filter(({ replies }) => replies.length !== 1)
      .map(({ what, replies }) => `${what} was answered ${replies.length} times`);
    const late = all
      .filter(({ deadlineMs, replies }) => replies.some(({ atMs }) => atMs > deadlineMs + patienceMs))
      .map(({ what }) => `${what} was answered long after its time`);
    return [...unanswered, ...late, ...this.#checkReservations(), ...this.#checkMoves()];
  }

  #checkReservations(): string[] {
    const { bookings } = this.#sale.ledger.tables;
    return [...new Set(this.#reserves.map((asked) => asked.key))].flatMap((key) => {
      const asked = this.#reserves.filter((other) => other.key === key);
      const made = [...bookings.values()].filter((booking) => booking.key === key);
      return [...checkKey(asked, made), ...checkMemory(asked)].map((what) => `key ${key} ${what}`);
    });
  }

  #checkMoves(): string[] {
    const broken: string[] = [];
    // Whoever contradicts the truth is found out the first time.
    const blind = this.#moves.filter(({ move }) => move === 'reacquire' || move === 'write-off').length;
    const conflicts = this.#sale.tally.counts.get('doubt: the truth answered conflict') ?? 0;
    if (conflicts > blind) broken.push(`the truth was contradicted ${conflicts} times by ${blind} requests`);
    for (const { what, move, bookingId, replies } of this.#moves) {
      const outcome = replies[0]?.outcome;
      if (!outcome?.ok || outcome.value !== 'applied') continue;
      const status = this.#sale.ledger.tables.bookings.get(bookingId)?.status;
      if (!status || !reachable[move].includes(status)) broken.push(`${what} was acknowledged, and it is ${status}`);
    }
    return broken;
  }
}

/** One booking a key at most, and each acknowledgement is true of it. */
function checkKey(asked: readonly AskedReserve[], made: readonly KeyedBooking[]): string[] {
  const broken: string[] = [];
  const outcomes = asked.flatMap(({ replies }) => replies.map(({ outcome }) => outcome));
  const fresh = outcomes.filter((outcome) => outcome.ok && !outcome.value.replayed);
  const surelyRefused = outcomes.every((outcome) => !outcome.ok && outcome.rejection.code !== 'SERVICE_UNAVAILABLE');
  if (made.length > 1) broken.push(`made ${made.length} bookings`);
  if (fresh.length > 1) broken.push(`was acknowledged ${fresh.length} times as new`);
  if (surelyRefused && made.length > 0) broken.push('was refused each time and made a booking');
  if (outcomes.some((outcome) => outcome.ok && !isTrueOf(outcome.value, made[0])))
    broken.push('was acknowledged, and the ledger has no such booking');
  return broken;
}

/**
 * Whoever asks again after a success gets it again, or hears that nobody can say now. Another body gets no booking; and
 * while it is judged, the right one may be refused for being another.
 */
function checkMemory(asked: readonly AskedReserve[]): string[] {
  const succeeded = asked.flatMap(({ fingerprint, replies }) =>
    replies.filter(({ outcome }) => outcome.ok).map(({ place }) => ({ fingerprint, place })),
  );
  const first = succeeded.sort((a, b) => a.place - b.place)[0];
  if (!first) return [];
  const isRemembered = (one: AskedReserve): boolean => {
    const outcome = one.replies[0]?.outcome;
    if (!outcome || outcome.ok) return one.fingerprint === first.fingerprint;
    const { code } = outcome.rejection;
    if (code === 'SERVICE_UNAVAILABLE' || one.fingerprint !== first.fingerprint) return true;
    return code === 'IDEMPOTENCY_MISMATCH' && asked.some((other) => isOtherBodyMeanwhile(one, other));
  };
  return asked
    .filter((one) => one.place > first.place && !isRemembered(one))
    .map(({ what }) => `had succeeded when ${what} was asked, and was forgotten`);
}

function isOtherBodyMeanwhile(one: AskedReserve, other: AskedReserve): boolean {
  const end = ({ replies }: AskedReserve) => replies[0]?.place ?? Number.POSITIVE_INFINITY;
  return other.fingerprint !== one.fingerprint && other.place < end(one) && end(other) > one.place;
}

function isTrueOf(reservation: Reservation, booking: KeyedBooking | undefined): boolean {
  return (
    booking?.bookingId === reservation.bookingId &&
    booking.zoneId === reservation.zoneId &&
    booking.quantity === reservation.quantity &&
    booking.amountMinor === reservation.amountMinor &&
    booking.createdAtMs === reservation.createdAtMs
  );
}

function resultOf(outcome: Outcome<unknown>): string {
  if (!outcome.ok) return outcome.rejection.code;
  if (typeof outcome.value === 'string') return outcome.value;
  return (outcome.value as Reservation).replayed ? 'replayed' : 'new';
}

export function userIdOf(user: number): string {
  return `00000000-0000-7000-8000-${String(user).padStart(12, '1')}`;
}

export function digest(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
