/**
 * Accounts and their sessions: the words and the port. A session is a family of refresh tokens, each used once and
 * followed by its successor; stores see hashes only. Passwords are hashed at the edge, not here.
 */
import type { Outcome } from './outcome.ts';

export type Role = 'user' | 'organizer' | 'admin';

export interface Account {
  readonly id: string;
  /** Normalised: trimmed, lower case, NFC. */
  readonly email: string;
  readonly name: string;
  readonly role: Role;
}

export interface Credentials extends Account {
  readonly passwordHash: string;
}

/** A refresh token as the store knows it: the hash of its text. Times are epoch milliseconds. */
export interface SessionToken {
  readonly id: string;
  readonly familyId: string;
  readonly userId: string;
  readonly hash: Uint8Array;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** A refresh token that is presented, and the one that shall follow it. */
export interface Rotation {
  readonly presentedHash: Uint8Array;
  readonly successorId: string;
  readonly successorHash: Uint8Array;
  readonly nowMs: number;
  /** How long after its use a token answers with the same successor again instead of counting as stolen. */
  readonly graceMs: number;
}

/**
 * `reused`: the token was used before and its grace is over: the whole family has been revoked.
 * `refused`: unknown, expired or revoked.
 */
export type Rotated = { readonly kind: 'rotated'; readonly account: Account } | { readonly kind: 'reused' | 'refused' };

export interface Accounts {
  /** Refuses with CONFLICT when the e-mail is taken. */
  create(account: Credentials): Promise<Outcome<Account>>;
  findByEmail(email: string): Promise<Credentials | null>;
  find(userId: string): Promise<Account | null>;
  rename(userId: string, name: string): Promise<Account | null>;
  openSession(token: SessionToken): Promise<void>;
  /** Uses a token and stores its successor, which inherits the family's end. One transaction. */
  rotate(rotation: Rotation): Promise<Rotated>;
  /** Revokes the family of a token of this user, or with `hash` null all families of the user. */
  closeSessions(userId: string, hash: Uint8Array | null, nowMs: number): Promise<void>;
}
