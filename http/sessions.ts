/**
 * Sessions as clients hold them: a short access token and a refresh token that is used once. The successor of a
 * refresh token is derived from it by a secret, so that a repeated refresh (a lost answer, a second tab) gets the very
 * same successor although only hashes are stored.
 */
import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { Account, Accounts } from '../engine/accounts.ts';
import type { Clock, Ids } from '../engine/ports.ts';
import { type AccessTokens, accessTtlSeconds } from './auth.ts';

/** A session ends after so long, however often it was refreshed: a stolen one does not live for ever. */
const sessionTtlMs = 7 * 24 * 3_600_000;
/** Lost answers and second tabs come within this; a thief comes later. */
const graceMs = 10_000;

export interface Session {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresInSeconds: number;
  readonly account: Account;
}

export interface Sessions {
  open(account: Account): Promise<Session>;
  /** The next tokens of a session, or why there are none: see `Rotated`. */
  refresh(refreshToken: string): Promise<Session | 'reused' | 'refused'>;
  /** Ends the session of one refresh token, or with null all sessions of the user. */
  close(userId: string, refreshToken: string | null): Promise<void>;
}

export interface SessionOptions {
  readonly accounts: Accounts;
  readonly tokens: AccessTokens;
  /** The secret of the access tokens; a key of its own is derived from it. */
  readonly secret: string;
  readonly clock: Clock;
  readonly ids: Ids;
}

export function createSessions({ accounts, tokens, secret, clock, ids }: SessionOptions): Sessions {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'onsale refresh token successor', 32));

  const session = async (account: Account, refreshToken: string): Promise<Session> => ({
    accessToken: await tokens.sign(account),
    refreshToken,
    expiresInSeconds: accessTtlSeconds,
    account,
  });

  return {
    async open(account) {
      const id = ids.next();
      const refreshToken = randomBytes(32).toString('base64url');
      const nowMs = clock.now();
      await accounts.openSession({
        id,
        familyId: id,
        userId: account.id,
        hash: hashOf(refreshToken),
        createdAtMs: nowMs,
        expiresAtMs: nowMs + sessionTtlMs,
      });
      return session(account, refreshToken);
    },
    async refresh(refreshToken) {
      const successor = createHmac('sha256', key).update(refreshToken).digest('base64url');
      const rotated = await accounts.rotate({
        presentedHash: hashOf(refreshToken),
        successorId: ids.next(),
        successorHash: hashOf(successor),
        nowMs: clock.now(),
        graceMs,
      });
      return rotated.kind === 'rotated' ? session(rotated.account, successor) : rotated.kind;
    },
    close: (userId, refreshToken) =>
      accounts.closeSessions(userId, refreshToken === null ? null : hashOf(refreshToken), clock.now()),
  };
}

function hashOf(refreshToken: string): Uint8Array {
  return createHash('sha256').update(refreshToken).digest();
}
