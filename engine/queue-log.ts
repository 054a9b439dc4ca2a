/**
 * The log of a waiting room: what an entry says, and how entries are chained. The log is the room: its present state is
 * what its entries add up to (waiting-room.ts), and anybody can check what it claims (fairness.ts).
 *
 *   kind       who  line  place  detail
 *   configure  –    –     –      the room's terms from here on, as JSON; `cause` says who wanted them
 *   commit     –    –     –      SHA-256 of the seed that will shuffle the lobby, published before anybody is in it
 *   join       yes  yes   yes    the reason of a priority; else empty
 *   shuffle    –    –     count  the seed; the lobby enters the regular line in the order that follows from it
 *   admit      yes  yes   yes    when the pass ends (epoch ms)
 *   leave      yes  yes   yes    `left` or `timed_out`
 *   redeem     yes  –     –      the booking that the pass made
 *   release    yes  –     –      why the slot is free again: `completed`, `failed`, `expired`, `pass_expired`, `left`
 */

/** SHA-256 of a text's UTF-8 bytes, as 64 hexadecimal digits. The engine is given one. */
export type Sha256 = (text: string) => string;

export type LineName = 'priority' | 'regular' | 'lobby';

export const entryKinds = ['configure', 'commit', 'join', 'shuffle', 'admit', 'leave', 'redeem', 'release'] as const;

export interface QueueEntry {
  /** 1, 2, 3 … per event. */
  readonly seq: number;
  readonly atMs: number;
  readonly kind: (typeof entryKinds)[number];
  /** The person's name in the log, from which nobody can tell the user; the same for all their entries. */
  readonly who: string | null;
  readonly line: LineName | null;
  readonly place: number | null;
  readonly detail: string;
  /** Includes the hash of the entry before. */
  readonly hash: string;
}

/** An entry as it is kept: the user is not published and not part of the hash. */
export interface LoggedEntry extends QueueEntry {
  readonly userId: string | null;
}

/** The hash that the first entry follows. */
export const genesisHash = '0'.repeat(64);

/** One field a line; absent ones are empty. Only `detail` may have line breaks, and it comes last. */
export function entryHash(before: string, entry: Omit<QueueEntry, 'hash'>, sha256: Sha256): string {
  const { seq, atMs, kind, who, line, place, detail } = entry;
  return sha256(`${before}\n${seq}\n${atMs}\n${kind}\n${who ?? ''}\n${line ?? ''}\n${place ?? ''}\n${detail}`);
}

/** A user's name in the log of one event. The event's salt is secret, so that names cannot be tried out. */
export function nameInLog(userId: string, salt: string, sha256: Sha256): string {
  return sha256(`${salt}\n${userId}`).slice(0, 32);
}
