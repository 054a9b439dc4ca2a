/**
 * What may be asked of a zone, and the functions that ask. A zone is only known by its address, which may lead to an
 * actor in this process or on another node; nobody but this file builds requests.
 *
 * Every request carries a deadline (epoch ms): a zone refuses what it cannot begin in time. A caller that hears nothing
 * by then does not know whether it happened, and may repeat a reservation with the same key.
 */
import { type Outcome, reject } from '../engine/outcome.ts';
import type { Hash16 } from '../engine/zone.ts';
import type { Wire } from './cluster/forwarding.ts';
import type { Reply } from './kit.ts';

export interface ZoneAddress {
  /** Hands a request over. Its reply is called exactly once, possibly at once. */
  send(request: ZoneRequest): void;
}

/** A durable hold. Replayed: an earlier request with the same key made it. */
export interface Reservation {
  readonly bookingId: string;
  readonly eventId: string;
  readonly zoneId: string;
  readonly quantity: number;
  readonly amountMinor: number;
  readonly currency: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly replayed: boolean;
}

/**
 * `absent`: the zone has no such hold or sale (it ended or never was), or the booking is in no state for the move. The other two
 * are answers to reacquire only.
 */
export type Moved = 'applied' | 'absent' | 'too-few' | 'over-limit';

export interface ReserveRequest {
  readonly kind: 'reserve';
  readonly userId: string;
  readonly key: Hash16;
  readonly fingerprint: Hash16;
  readonly quantity: number;
  readonly deadlineMs: number;
  readonly traceparent?: string | undefined;
  readonly reply: Reply<Reservation>;
}

export type MoveRequest = { readonly bookingId: string } & Ask<Moved> &
  (
    | { readonly kind: 'confirm' | 'cancel' | 'expire' | 'write-off' }
    | { readonly kind: 'extend'; readonly expiresAtMs: number }
    | { readonly kind: 'reacquire' | 'refund'; readonly userId: string; readonly quantity: number }
  );

export type ZoneRequest = ReserveRequest | MoveRequest;

/** How requests travel to a zone of another node: without the reply, which stays, and the deadline, which the mesh has. */
export const zoneWire: Wire<ZoneRequest> = {
  orderOf: ({ reply, deadlineMs, ...order }) => ({ order, deadlineMs, reply: reply as Reply<unknown> }),
  requestOf: (order, deadlineMs, reply) => ({ ...(order as object), deadlineMs, reply }) as ZoneRequest,
};

interface Ask<T> {
  readonly deadlineMs: number;
  /** Of whoever asks; the events that tell of it carry it. */
  readonly traceparent?: string | undefined;
  readonly reply: Reply<T>;
}

/**
 * Holds `quantity` seats. Refused with IDEMPOTENCY_MISMATCH, INSUFFICIENT_STOCK, MAX_PER_USER_EXCEEDED, NOT_FOUND or
 * SERVICE_UNAVAILABLE; accepted only when the hold is durable.
 */
export function reserve(zone: ZoneAddress, request: Omit<ReserveRequest, 'kind'>): void {
  const { userId, key, fingerprint, quantity, deadlineMs, traceparent, reply } = request;
  zone.send({ kind: 'reserve', userId, key, fingerprint, quantity, deadlineMs, traceparent, reply });
}

/** Held seats become sold. */
export function confirm(zone: ZoneAddress, bookingId: string, ask: Ask<Moved>): void {
  zone.send({ ...ask, kind: 'confirm', bookingId });
}

/** Held seats return to the zone. */
export function cancel(zone: ZoneAddress, bookingId: string, ask: Ask<Moved>): void {
  zone.send({ ...ask, kind: 'cancel', bookingId });
}

/** The hold ends at `expiresAtMs` instead. Whether it may is the booking's business. */
export function extend(
  zone: ZoneAddress,
  hold: { readonly bookingId: string; readonly expiresAtMs: number },
  ask: Ask<Moved>,
): void {
  zone.send({ ...ask, ...hold, kind: 'extend' });
}

/** Sells free seats to a paid booking whose hold is gone. */
export function reacquire(
  zone: ZoneAddress,
  booking: { readonly bookingId: string; readonly userId: string; readonly quantity: number },
  ask: Ask<Moved>,
): void {
  zone.send({ ...ask, ...booking, kind: 'reacquire' });
}

/** Sold seats return to the zone. Ask only for a booking that the truth says is confirmed. */
export function refund(
  zone: ZoneAddress,
  booking: { readonly bookingId: string; readonly userId: string; readonly quantity: number },
  ask: Ask<Moved>,
): void {
  const { bookingId, userId, quantity } = booking;
  zone.send({ ...ask, kind: 'refund', bookingId, userId, quantity });
}

/** Closes a booking without seats whose money went back. */
export function writeOff(zone: ZoneAddress, bookingId: string, ask: Ask<Moved>): void {
  zone.send({ ...ask, kind: 'write-off', bookingId });
}

/**
 * Requests with one key that are under way together share one outcome: the first is judged, the others wait for it.
 */
export class KeysUnderWay {
  readonly #first = new Map<Hash16, { request: ReserveRequest | null; joined: ReserveRequest[] | null }>();

  /** `first`: to be judged. `joined`: will be answered with the first. `mismatch`: another body under the same key. */
  admit(request: ReserveRequest): 'first' | 'joined' | 'mismatch' {
    const entry = this.#first.get(request.key);
    if (!entry) {
      this.#first.set(request.key, { request, joined: null });
      return 'first';
    }
    if (entry.request === request) return 'first';
    if (entry.request?.fingerprint !== request.fingerprint) return 'mismatch';
    entry.joined ??= [];
    entry.joined.push(request);
    return 'joined';
  }

  settle(request: ReserveRequest, outcome: Outcome<Reservation>): void {
    const entry = this.#first.get(request.key);
    request.reply(outcome);
    if (entry?.request !== request) return;
    this.#first.delete(request.key);
    // A table of the map that was outgrown may keep the entry for a while (http/under-way.ts says why), but not the request.
    entry.request = null;
    if (entry.joined === null) return;
    const again = outcome.ok ? { ok: true as const, value: { ...outcome.value, replayed: true } } : outcome;
    for (const joined of entry.joined) joined.reply(again);
  }

  get areUnderWay(): boolean {
    return this.#first.size > 0;
  }

  /** Settles everything that is under way. */
  settleAll(outcome: Outcome<Reservation>): void {
    for (const { request } of [...this.#first.values()]) if (request) this.settle(request, outcome);
  }
}

export const mismatch = reject('IDEMPOTENCY_MISMATCH');
