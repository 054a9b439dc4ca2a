/**
 * The model of a zone: what each command does to counters, holds, users' totals and remembered keys.
 * It is the oracle that lua/zone_batch.lua is tested against, and the gate of the in-memory world.
 * Several zones of one event share one `EventLedger`, as they share the event's keys in Redis.
 */

/** Sixteen bytes as 32 lower-case hex digits: hashes of idempotency keys and of request bodies. */
export type Hash16 = string;

export interface ReserveCommand {
  readonly kind: 'reserve';
  readonly bookingId: string;
  readonly userId: string;
  /** Hash of user and idempotency key. */
  readonly key: Hash16;
  /** Hash of what was asked for: the same key with another fingerprint is a mismatch. */
  readonly fingerprint: Hash16;
  /** Seats, 1 … 65 535. */
  readonly quantity: number;
  readonly expiresAtMs: number;
  /** Of the request; it is for the event that tells of the booking, and judged by nobody. */
  readonly traceparent?: string | undefined;
}

/** Takes seats again, straight to sold, for a paid booking whose hold is gone. */
export interface ReacquireCommand {
  readonly kind: 'reacquire';
  readonly bookingId: string;
  readonly userId: string;
  readonly quantity: number;
}

export interface ExtendCommand {
  readonly kind: 'extend';
  readonly bookingId: string;
  readonly expiresAtMs: number;
}

export interface ConfirmCommand {
  readonly kind: 'confirm';
  readonly bookingId: string;
}

export interface CancelCommand {
  readonly kind: 'cancel';
  readonly bookingId: string;
}

/** Releases the hold if it is due at `nowMs` by the owner's clock. */
export interface ExpireCommand {
  readonly kind: 'expire';
  readonly bookingId: string;
  readonly nowMs: number;
}

/**
 * Sold seats return to the zone. The gate keeps no record of what was sold to whom, so that the booking is confirmed, and
 * has these seats, is for the caller to know and for the truth to insist on.
 */
export interface RefundCommand {
  readonly kind: 'refund';
  readonly bookingId: string;
  readonly userId: string;
  readonly quantity: number;
}

/** Changes no seat: it goes through the zone so that only the zone's batches change a booking's status. */
export interface WriteOffCommand {
  readonly kind: 'write-off';
  readonly bookingId: string;
}

export type ZoneCommand =
  | ReserveCommand
  | ReacquireCommand
  | ExtendCommand
  | ConfirmCommand
  | CancelCommand
  | ExpireCommand
  | RefundCommand
  | WriteOffCommand;

/** Moves that bring seats back: they count for their user until the truth holds that. */
export function givesBack(kind: ZoneCommand['kind']): boolean {
  return kind === 'cancel' || kind === 'expire' || kind === 'refund';
}

/**
 * What the gate answers to one command.
 * `absent`: no such hold (it ended or never was), or fewer seats are sold than would return. `early`: the hold is not due yet.
 * `replay`: this key was used before; the caller compares the fingerprints.
 */
export type ZoneAnswer =
  | { readonly result: 'applied' }
  | { readonly result: 'absent' }
  | { readonly result: 'early' }
  | { readonly result: 'too-few' }
  | { readonly result: 'over-limit'; readonly current: number }
  | { readonly result: 'replay'; readonly bookingId: string; readonly fingerprint: Hash16 };

export interface Hold {
  readonly bookingId: string;
  readonly userId: string;
  readonly quantity: number;
  readonly expiresAtMs: number;
}

export interface ZoneCounters {
  readonly capacity: number;
  readonly available: number;
  readonly held: number;
  readonly sold: number;
  readonly blocked: number;
}

/** What all zones of one event share. */
export interface EventLedger {
  /** User → seats held and owned over all zones of the event, and those given back by batches that are not settled. */
  readonly seatsOfUser: Map<string, number>;
  /** Key → the booking it made. */
  readonly keys: Map<Hash16, { readonly bookingId: string; readonly fingerprint: Hash16 }>;
}

export interface Zone {
  readonly event: EventLedger;
  readonly holds: Map<string, Hold>;
  capacity: number;
  available: number;
  held: number;
  sold: number;
  blocked: number;
}

export function newEventLedger(): EventLedger {
  return { seatsOfUser: new Map(), keys: new Map() };
}

export function newZone(event: EventLedger, capacity: number): Zone {
  return { event, holds: new Map(), capacity, available: capacity, held: 0, sold: 0, blocked: 0 };
}

/**
 * Applies one command and says what came of it. Refusals change nothing.
 * The order of refusals is part of the contract: earlier use of the key, then stock, then the user's limit.
 */
export function applyCommand(zone: Zone, command: ZoneCommand, maxPerUser: number): ZoneAnswer {
  switch (command.kind) {
    case 'reserve': {
      const earlier = zone.event.keys.get(command.key);
      if (earlier) return { result: 'replay', ...earlier };
      const refusal = takeSeats(zone, command.userId, command.quantity, maxPerUser);
      if (refusal) return refusal;
      zone.held += command.quantity;
      zone.holds.set(command.bookingId, {
        bookingId: command.bookingId,
        userId: command.userId,
        quantity: command.quantity,
        expiresAtMs: command.expiresAtMs,
      });
      zone.event.keys.set(command.key, { bookingId: command.bookingId, fingerprint: command.fingerprint });
      return { result: 'applied' };
    }
    case 'reacquire': {
      const refusal = takeSeats(zone, command.userId, command.quantity, maxPerUser);
      if (refusal) return refusal;
      zone.sold += command.quantity;
      return { result: 'applied' };
    }
    case 'refund':
      if (zone.sold < command.quantity) return { result: 'absent' };
      zone.sold -= command.quantity;
      zone.available += command.quantity;
      return { result: 'applied' };
    case 'write-off':
      return { result: 'applied' };
    default:
      return applyToHold(zone, command);
  }
}

function takeSeats(zone: Zone, userId: string, quantity: number, maxPerUser: number): ZoneAnswer | null {
  if (zone.available < quantity) return { result: 'too-few' };
  const current = zone.event.seatsOfUser.get(userId) ?? 0;
  if (current + quantity > maxPerUser) return { result: 'over-limit', current };
  zone.available -= quantity;
  zone.event.seatsOfUser.set(userId, current + quantity);
  return null;
}

function applyToHold(zone: Zone, command: ExtendCommand | ConfirmCommand | CancelCommand | ExpireCommand): ZoneAnswer {
  const hold = zone.holds.get(command.bookingId);
  if (!hold) return { result: 'absent' };
  switch (command.kind) {
    case 'extend':
      zone.holds.set(hold.bookingId, { ...hold, expiresAtMs: command.expiresAtMs });
      return { result: 'applied' };
    case 'confirm':
      zone.holds.delete(hold.bookingId);
      zone.held -= hold.quantity;
      zone.sold += hold.quantity;
      return { result: 'applied' };
    case 'expire':
      if (hold.expiresAtMs > command.nowMs) return { result: 'early' };
      release(zone, hold);
      return { result: 'applied' };
    case 'cancel':
      release(zone, hold);
      return { result: 'applied' };
  }
}

function release(zone: Zone, hold: Hold): void {
  zone.holds.delete(hold.bookingId);
  zone.held -= hold.quantity;
  zone.available += hold.quantity;
}

/**
 * Seats that were cancelled, expired or refunded count for their user until the truth holds that. Otherwise another zone of the
 * event could sell to the user on the strength of it, and the release could still be taken back: P6 would be broken.
 */
export function settleRelease(event: EventLedger, { userId, quantity }: Pick<Hold, 'userId' | 'quantity'>): void {
  const left = (event.seatsOfUser.get(userId) ?? 0) - quantity;
  if (left > 0) event.seatsOfUser.set(userId, left);
  else event.seatsOfUser.delete(userId);
}
