/**
 * What a waiting room needs of the truth (PostgreSQL), as one small interface. A promise that rejects means "no answer":
 * the effect may or may not have happened.
 */
import type { Stock } from './admission.ts';
import type { LoggedEntry } from './queue-log.ts';
import type { RoomMode } from './waiting-room.ts';
import type { Hash16 } from './zone.ts';

/** The right to write a room's log: an append that does not carry the present epoch is refused. */
export interface RoomLease {
  readonly eventId: string;
  /** Raised at each take-over: fences the owner before. */
  readonly epoch: number;
}

/** Lets whoever knows it into the priority line. Only its SHA-256 is kept. */
export interface AccessCode {
  readonly codeHash: string;
  /** Why they go first; published in the log. */
  readonly reason: string;
}

/** What is known of a room besides its log. */
export interface AcquiredRoom {
  readonly lease: RoomLease;
  /** Secrets of the event, made with the room: 64 hexadecimal digits each. The seed is published by the shuffle. */
  readonly salt: string;
  readonly seed: string;
  readonly accessCodes: readonly AccessCode[];
  /** The catalogue's word for a room that has no log yet. */
  readonly mode: RoomMode;
}

export interface RoomBatch {
  readonly lease: RoomLease;
  /** The log's last entry, as the owner knows it; 0 when it is empty. */
  readonly afterSeq: number;
  readonly entries: readonly LoggedEntry[];
  /** Written with the entries; null: as it was. */
  readonly mode: RoomMode | null;
  readonly accessCodes: readonly AccessCode[] | null;
}

/** The last booking that a user made, with what became of it. */
export interface Checkout {
  readonly userId: string;
  readonly bookingId: string;
  readonly quantity: number;
  readonly createdAtMs: number;
  readonly status: string;
  /** Of the reservation that made it: only this one may be repeated with the pass. */
  readonly key: Hash16;
}

export interface RoomLedger {
  /** Raises the room's epoch, making the room if need be. Null: no such event. */
  acquire(eventId: string): Promise<AcquiredRoom | null>;
  /** Entries after `afterSeq`, in order, at most `max`. */
  read(eventId: string, afterSeq: number, max: number): Promise<readonly LoggedEntry[]>;
  /**
   * All of the batch or nothing, and durable when it resolves. `stale`: another owner has the room, or the log is not
   * where the owner thinks; nothing was written.
   */
  append(batch: RoomBatch): Promise<'appended' | 'stale'>;
  /** What can be bought now. Null: no such event, or not published. */
  survey(eventId: string): Promise<Stock | null>;
  /** The newest booking of each of these users. */
  checkouts(eventId: string, userIds: readonly string[]): Promise<readonly Checkout[]>;
  /** Events whose room is on, so that somebody must own it. */
  roomsOn(): Promise<readonly string[]>;
}
